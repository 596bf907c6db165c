"""Distils a teacher into its student by function matching.

Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", 2022: teacher and
student see the very same changed crop, and the student matches the teacher's function on it, far
beyond natural pictures. The student also predicts the teacher's maps after each of its blocks
(FitNets: Romero et al., 2015).

In a decoupled run, each block learns from the teacher's own input to that block, so that all learn
at once. In other runs, the blocks are chained. A run may have labels, which correct the teacher a
little; the published networks had none.
"""

import copy
import math
import time
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from common.device import sent
from common.optimisation import adamw, average_in, learning_rate

from . import tensor_views
from .kept import Kept
from .measure import fidelity
from .network import Residual, Student, attack_log_odds, normalised
from .regions import ATTACK, UNKNOWN, Regions, liveness_sources
from .teachers import DeviceTeacher, Teacher
from .views import CHANCES, batch

# Crops from which the spread of the teacher's maps is taken.
SAMPLE = 256
TEMPERATURE = 2.0
# The weights of the costs. The logits weigh more once the blocks are chained.
LOGITS_WEIGHT, DISTANCE_WEIGHT, ENTROPY_WEIGHT = 3.0, 0.3, 2.0
# A label's target log-odds, and the bound at which those of the teacher are clipped.
LABEL_LOG_ODDS, MAX_TARGET = 4.0, 8.0


class Spread:
    """How much the teacher's maps vary, and what its residual blocks add to them, so that each
    block has about the same weight."""

    def __init__(self, blocks, maps):
        befores = [None, *maps]
        added = [
            after - before if isinstance(block, Residual) else after
            for block, before, after in zip(blocks, befores, maps)
        ]
        self.of_maps, self.of_added = [*map(variance, maps)], [*map(variance, added)]


def variance(maps):
    """The mean over the channels."""
    return maps.var((0, 2, 3)).mean()


def configuration(plan, part, name):
    """The settings of a run of one network: its own, over those that all runs share."""
    shared = {key: value for key, value in plan.items() if key != "runs"}
    run = next(run for run in plan["runs"] if run["name"] == name)
    config = {**shared, **run, "teacher": part}
    if "start" in config:
        config["start"] = f"{part}-{config['start']}"
    return config


def train(out, config, name, teachers, packed=None, seconds=None):
    """Writes OUT/NAME.pt: the moving average of the weights. A run takes `minutes` of CPU time, of
    a clock's time on a GPU, or `steps`; or `seconds` in place of `minutes`.

    With a `device`, views and teacher run there too, on regions that are `packed`.
    """
    torch.manual_seed(config["seed"])
    torch.set_num_threads(config["threads"])
    draw = np.random.default_rng(config["seed"])
    part, device = config["teacher"], torch.device(config.get("device", "cpu"))
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    student = Student(part).to(device, memory_format=torch.channels_last)
    if "start" in config:
        weights = torch.load(Path(out) / f"{config['start']}.pt", map_location=device)
        student.load_state_dict(weights)
    averaged = copy.deepcopy(student).eval()
    lesson, count_of_regions = lessons(out, config, teachers, packed)
    optimiser = adamw([*student.parameters()], config)
    _, (*maps, _) = lesson(SAMPLE, draw, ahead=1)
    spread = Spread(student.blocks, maps)
    if "kept" in config:
        lesson = Kept(lesson, config["kept"], config["fresh"], config["crops"])
    blocks = student.blocks
    if config.get("compiled", False):
        # Blocks of one kind share their code; each is compiled.
        torch._dynamo.config.recompile_limit = 2 * len(blocks)
        blocks = [*map(torch.compile, blocks)]
    print(f"{name}: {count_of_regions} regions", flush=True)
    begun = measured = clock()
    minutes = seconds / 60 if seconds else config.get("minutes")
    running = None
    for step in count():
        elapsed = (clock() - begun) / 60
        steps = config.get("steps")
        progress = step / steps if steps else elapsed / minutes
        over = progress >= 1 or elapsed >= config.get("stop_minutes", math.inf)
        if over or clock() - measured > 60 * config["measure_every"]:
            measured = clock()
            torch.save(on_cpu(averaged.state_dict()), Path(out) / f"{name}.pt")
            costs = np.round(running.cpu().numpy(), 3)
            print(f"{name} step {step}, {elapsed:.1f} min, costs {costs}")
            print(fidelity(out, averaged, part), flush=True)
        if over:
            return
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, progress, config)
        seen, (*maps, wanted) = lesson(config["batch"], draw, config.get("ahead", 1))
        decoupled = progress < config["decoupled"]
        set_mode(student, config)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.get("bfloat16", False)):
            if decoupled:
                logits, losses = apart(student, blocks, seen.crops, maps, spread, config)
            else:
                logits, losses = chained(student, blocks, seen.crops, maps, spread)
        logits = logits.float()
        if "labels" in config:
            weights = label_weights(seen.labels, seen.close, config["labels"], draw)
            costs = labelled(logits, wanted, seen.labels, weights)
        else:
            costs = matched(logits, wanted)
        losses.append(costs.mean())
        first, last = config["maps_weight"]
        cost = (first + (last - first) * progress) * sum(losses[:-1])
        cost = cost + losses[-1] * (1 if decoupled else LOGITS_WEIGHT)
        optimiser.zero_grad(set_to_none=True)
        cost.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        average_in(averaged, student, step, config)
        now = torch.stack([loss.detach().float() for loss in losses])
        running = now if running is None else 0.98 * running + 0.02 * now


def lessons(out, config, teachers, packed=None):
    """A function that makes a number of views and the teacher's outputs for them, and the number of
    regions. `ahead` batches are made at once: a GPU takes many views in one go."""
    part, chances = config["teacher"], CHANCES[config["views"]]
    if packed is None:
        teacher, regions = Teacher(teachers, part, config["threads"]), Regions(out, shares(config))
        found = len(regions)
        views, answers = batch, lambda shown: tensors(teacher(shown))
    else:
        device = packed.pixels.device
        regions, found = packed, packed.choose(shares(config))
        views = tensor_views.batch
        half, layout = device.type == "cuda", config.get("channels_last", False)
        answers = teacher = DeviceTeacher(teachers, part, device, half, layout)

    waiting = []

    def lesson(count, draw, ahead):
        if not waiting:
            seen = views(regions, ahead * count, part, teacher.side, chances, draw)
            features = answers(seen.shown)
            waiting.extend(share(seen, features, slice(i, None, ahead)) for i in range(ahead))
        return waiting.pop()

    return lesson, found


def share(seen, features, which):
    """Some of the views, and what the teacher answers for them."""
    parts = (seen.crops, seen.shown, seen.labels, seen.close)
    return type(seen)(*(part[which] for part in parts)), [feature[which] for feature in features]


def on_cpu(weights):
    return {key: value.cpu() for key, value in weights.items()}


def shares(config):
    """How often a picture of each source is drawn: by the table, unless the run has its own."""
    own, table = config.get("shares", {}), liveness_sources()
    return {name: own.get(name, table[name]["share"]) for name in config["sources"]}


def tensors(arrays):
    return [torch.from_numpy(array).float() for array in arrays]


def set_mode(student, config):
    """With `frozen_norms`, batch norms keep their means and variances. Those of a few crops differ
    so much that a block cannot learn its teacher's exactly."""
    student.train()
    if config.get("frozen_norms", False):
        for layer in student.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()


def apart(student, blocks, crops, maps, spread, config):
    """The logits for the teacher's last map, and the costs of the maps: each block sees the
    teacher's map before it, of as many crops as `crops` says for maps of this side."""
    losses, x = [], normalised(channels_last(crops))
    for block, wanted, variance in zip(blocks, maps, spread.of_added):
        some = config["crops"].get(str(x.shape[-1]), len(x))
        losses.append(F.mse_loss(block(x[:some]), wanted[:some]) / variance)
        x = channels_last(wanted)
    return student.head(x.flatten(1)), losses


def chained(student, blocks, crops, maps, spread):
    """The logits, and the costs of the maps: each block sees the student's map before it."""
    losses, x = [], normalised(channels_last(crops))
    for block, wanted, variance in zip(blocks, maps, spread.of_maps):
        x = block(x)
        losses.append(F.mse_loss(x, wanted) / variance)
    return student.head(x.flatten(1)), losses


def channels_last(x):
    return torch.as_tensor(x).contiguous(memory_format=torch.channels_last)


def matched(student, teacher):
    """The cost of each crop's logits: a distance, and a cross entropy at a temperature."""
    centred = lambda logits: logits - logits.mean(1, keepdim=True)
    distance = F.smooth_l1_loss(centred(student), centred(teacher), beta=2.0, reduction="none")
    found, expected = F.log_softmax(student / TEMPERATURE, 1), F.softmax(teacher / TEMPERATURE, 1)
    entropy = F.kl_div(found, expected, reduction="none")
    return DISTANCE_WEIGHT * distance.mean(1) + ENTROPY_WEIGHT * entropy.sum(1)


def label_weights(labels, close, config, draw):
    """How far each label corrects the teacher. Only a share of the attacks' labels count, so that
    the rest keep the student close to its teacher on attacks too. Where the photo ends close to
    the face, teachers err most, and labels have a weight of their own."""
    share = np.where(labels == ATTACK, config["attack_share"], 1.0)
    weights = np.where(labels == ATTACK, config["attack"], config["bona_fide"])
    weights = np.where(draw.random(len(labels)) < share, weights, 0.0)
    weights = np.where(close, config.get("close", weights), weights)
    return np.where(labels == UNKNOWN, 0.0, weights)


def corrected(log_odds, labels, weights):
    """The teacher's log-odds, moved towards the label by its weight."""
    weights, labels = (sent(array, log_odds.device).float() for array in (weights, labels))
    return (1 - weights) * log_odds + weights * LABEL_LOG_ODDS * (2 * labels - 1)


def labelled(student, teacher, labels, weights):
    """The cost of each crop in a run with labels: that of the logits where no label counts, and
    that of the corrected log-odds everywhere."""
    wanted = corrected(attack_log_odds(teacher).clamp(-MAX_TARGET, MAX_TARGET), labels, weights)
    log_odds = attack_log_odds(student)
    entropy = F.binary_cross_entropy_with_logits(
        log_odds / TEMPERATURE, torch.sigmoid(wanted / TEMPERATURE), reduction="none"
    )
    distance = F.smooth_l1_loss(log_odds, wanted, reduction="none")
    unlabelled = sent(weights == 0, log_odds.device)
    return matched(student, teacher) * unlabelled + TEMPERATURE**2 * entropy + 0.05 * distance

"""Distils the teachers into the pair of networks."""

import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from common.optimisation import adamw, average_in, learning_rate
from common.sources import sources

from .measure import development_figures
from .network import Pair
from .prepare import BONA_FIDE, RECAPTURED, UNKNOWN, WORN

# Log-odds beyond this need not be matched.
SUREST = 8.0
# The log-odds that a label stands for.
LABEL_LOG_ODDS = 6.0
TEMPERATURE = 2.0
# The weight of the tight network in the fused log-odds.
TIGHT_SHARE = 0.6


class Crops:
    """All pairs of crops of a configuration's sources, memory-mapped."""

    def __init__(self, out, config):
        self.exposed_share = config["exposed_share"]
        self.tight, self.context, self.embeddings, answers = [], [], [], []
        for name, source in sources().items():
            file = Path(out) / f"{name}.answers.npy"
            if (config["open_only"] and not source["open"]) or not file.exists():
                continue
            told = weighted(np.load(file), source, config)
            if config["assistant_weight"]:
                assistant = np.load(Path(out) / f"{name}.assistant.npy")
            else:
                assistant = np.zeros((len(told), 2))
            answers.append(
                np.c_[told, assistant, np.full(len(told), len(self.tight)), np.arange(len(told))]
            )
            self.tight.append(np.load(Path(out) / f"{name}.tight.npy", mmap_mode="r"))
            self.context.append(np.load(Path(out) / f"{name}.context.npy", mmap_mode="r"))
            self.embeddings.append(np.load(Path(out) / f"{name}.embeddings.npy"))
        self.answers, self.embeddings = np.concatenate(answers), np.concatenate(self.embeddings)
        spread = self.embeddings.std(0, dtype=np.float32)
        self.embeddings = (
            self.embeddings - self.embeddings.mean(0, dtype=np.float32)
        ) / np.maximum(spread, 1e-3)

    def __len__(self):
        return len(self.answers)

    def batch(self, picks, draw):
        rows = self.answers[picks]
        where = rows[:, 6:].astype(int)
        flipped = draw.random(len(rows)) < 0.5
        exposed = torch.from_numpy(exposures(draw, len(rows), self.exposed_share)).float()

        def stack(arrays):
            planes = np.stack([arrays[a][i] for a, i in where])
            planes[flipped] = planes[flipped, :, :, ::-1]
            planes = torch.from_numpy(planes).float() * exposed
            return planes.clamp_(0, 255).contiguous(memory_format=torch.channels_last)

        embeddings = torch.from_numpy(self.embeddings[picks]).chunk(2, 1)
        return stack(self.tight), stack(self.context), rows[:, :6], embeddings


def exposures(draw, count, share):
    """A factor per channel for a share of the pairs, the same for both crops of a pair.

    The teachers' answers stay: an overexposed or bluish photo is as live as before, whatever they
    would answer.
    """
    light = np.exp(draw.uniform(np.log(0.75), np.log(1.4), (count, 1))) * np.exp(
        draw.normal(0, 0.06, (count, 3))
    )
    light[draw.random(count) >= share] = 1
    return light[:, :, None, None]


def weighted(answers, source, config):
    """[tight teacher, context teacher, label, weight of the label] for each pair."""
    label, made = answers[:, 2], answers[:, 3]
    unlabelled = label == UNKNOWN
    known = config["bona_fide_weight"] if source.get("bona_fide") else 0.0
    weight = np.where(unlabelled, known, config["label_weight"])
    weight = np.where(made == RECAPTURED, config["recaptured_weight"], weight)
    weight = np.where(made == WORN, config["worn_weight"], weight)
    return np.c_[answers[:, :2], np.where(unlabelled, BONA_FIDE, label), weight]


def targets(rows, assistant_weight):
    """The target of each network: its teacher's log-odds, moved towards the assistant's, then
    towards the label where there is one."""
    label, weight, assistant = rows[:, 2:3], rows[:, 3:4], rows[:, 4:6]
    teachers = np.clip(rows[:, :2], -SUREST, SUREST)
    moved = (1 - assistant_weight) * teachers + assistant_weight * np.clip(
        assistant, -SUREST, SUREST
    )
    moved = (1 - weight) * moved + weight * LABEL_LOG_ODDS * (2 * label - 1)
    return torch.from_numpy(moved).float()


def loss(said, wanted):
    """Cross entropy at a temperature, plus a small distance between the log-odds."""
    entropy = F.binary_cross_entropy_with_logits(
        said / TEMPERATURE, torch.sigmoid(wanted / TEMPERATURE)
    )
    return entropy * TEMPERATURE**2 + 0.05 * F.smooth_l1_loss(said, wanted)


def costs(said, wanted, together):
    """The loss of each network alone and of their fusion, mixed by `together`.

    In the fused loss one network can compensate for the other, as it does in use.
    """
    tight, context = said
    fused = loss(TIGHT_SHARE * tight + (1 - TIGHT_SHARE) * context, wanted.mean(1))
    return (1 - together) * (
        loss(tight, wanted[:, 0]) + loss(context, wanted[:, 1])
    ) + 2 * together * fused


class Hints(nn.Module):
    """In training only: each network also predicts its teacher's embedding from its own.

    An embedding holds more than one number does (Romero et al., "FitNets: Hints for Thin Deep
    Nets", 2015).
    """

    def __init__(self, pair, width):
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(part.head.in_features, width) for part in pair.parts())

    def forward(self, own, teachers):
        return sum(
            F.mse_loss(convert(mine), theirs)
            for convert, mine, theirs in zip(self.maps, own, teachers)
        )


def train(out, config, name):
    torch.manual_seed(config["seed"])
    draw = np.random.default_rng(config["seed"])
    torch.set_num_threads(config["threads"])
    pair = Pair().to(memory_format=torch.channels_last)
    if "start" in config:
        pair.load_state_dict(torch.load(Path(out) / f"{config['start']}.pt"))
    crops = Crops(out, config)
    averaged, hints = copy.deepcopy(pair).eval(), Hints(pair, crops.embeddings.shape[1] // 2)
    optimiser = adamw([*pair.parameters(), *hints.parameters()], config)
    # Three times as fast with AVX-512 BF16, ten times slower without.
    bfloat16 = torch.cpu._is_avx512_bf16_supported()
    steps = config["pairs"] // config["batch"]
    print(f"{name}: {len(crops)} pairs of crops, {steps} steps of {config['batch']}", flush=True)
    order, begun, running = np.empty(0, int), time.time(), None
    progress = tqdm(range(steps), desc=name, mininterval=20)
    for step in progress:
        if len(order) < config["batch"]:
            order = np.r_[order, draw.permutation(len(crops))]
        picks, order = order[: config["batch"]], order[config["batch"] :]
        tight, context, rows, embeddings = crops.batch(picks, draw)
        wanted = targets(rows, config["assistant_weight"])
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, config)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            own = [part.embed(crop) for part, crop in zip(pair.parts(), (tight, context))]
            said = [
                part.head(part.drop(embedding))[:, 0] for part, embedding in zip(pair.parts(), own)
            ]
        cost = costs([answer.float() for answer in said], wanted, config["together_weight"])
        cost = cost + config["hint_weight"] * hints(
            [embedding.float() for embedding in own], embeddings
        )
        optimiser.zero_grad(set_to_none=True)
        cost.backward()
        torch.nn.utils.clip_grad_norm_(pair.parameters(), 5.0)
        optimiser.step()
        average_in(averaged, pair, step, config)
        running = cost.item() if running is None else 0.99 * running + 0.01 * cost.item()
        if (step + 1) % config["measure_every"] == 0 or step + 1 == steps:
            torch.save(averaged.state_dict(), Path(out) / f"{name}.pt")
            print(
                f"\n{name} step {step + 1} loss {running:.3f}, {time.time() - begun:.0f} s",
                flush=True,
            )
            print(development_figures(out, averaged), flush=True)

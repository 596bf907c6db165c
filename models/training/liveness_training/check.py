"""Whether a device gives the right answers, and how fast."""

import time

import numpy as np
import torch

from . import packs, tensor_views
from .crop import SCALES
from .network import Student
from .teachers import DeviceTeacher, Teacher, attack_log_odds
from .train import Spread, chained, matched
from .views import CHANCES


def check(folder, teachers, device, batches=(512, 2048), repeats=10):
    """Prints how far the teachers' log-odds are from ONNX Runtime's, and the milliseconds of views,
    of the teacher in both memory layouts, and of the student's step, for every part."""
    torch.backends.cudnn.benchmark = True
    regions, draw = packs.Packed(folder, device), np.random.default_rng(0)
    regions.choose(dict.fromkeys(regions.found, 1.0))
    half = regions.pixels.is_cuda
    gigabytes = regions.pixels.numel() / 1e9
    print(f"{len(regions.sizes)} regions, {gigabytes:.1f} GB on the device", flush=True)
    for part in SCALES:
        planar, last = (DeviceTeacher(teachers, part, device, half, way) for way in (False, True))
        seen = tensor_views.batch(regions, 64, part, planar.side, CHANCES["held"], draw)
        reference = Teacher(teachers, part, features=False)
        wanted = attack_log_odds(reference(seen.shown.cpu().contiguous().numpy())[-1])
        for teacher in (planar, last):
            apart = attack_log_odds(teacher(seen.shown)[-1].cpu().numpy()) - wanted
            print(f"{part}: log-odds off by {abs(apart).max():.3f} at most", flush=True)
        for count in batches:
            views = lambda: tensor_views.batch(
                regions, count, part, planar.side, CHANCES["held"], draw
            )
            seen = views()
            features = planar(seen.shown)
            step = student_step(part, seen.crops, features, half)
            actions = (views, lambda: planar(seen.shown), lambda: last(seen.shown), step)
            times = [milliseconds(action, device, repeats) for action in actions]
            together = times[0] + min(times[1:3]) + times[3]
            names = ("views", "teacher", "teacher, channels last", "student")
            texts = ", ".join(f"{name} {ms:.1f} ms" for name, ms in zip(names, times))
            print(f"  {count}: {texts}: {1000 * count / together:.0f} a second", flush=True)
    if half:
        print(f"{torch.cuda.max_memory_allocated() / 1e9:.0f} GB of memory at most")


def student_step(part, crops, features, bfloat16):
    device = crops.device
    student = Student(part).to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(student.parameters())
    *maps, wanted = features
    spread = Spread(student.blocks, maps)

    def step():
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            logits, losses = chained(student, student.blocks, crops, maps, spread)
        cost = sum(losses) + matched(logits.float(), wanted).mean()
        optimiser.zero_grad(set_to_none=True)
        cost.backward()
        optimiser.step()

    return step


def milliseconds(action, device, repeats):
    """The mean of some repeats, after two to warm up."""
    waited = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    for i in range(repeats + 2):
        if i == 2:
            waited()
            begun = time.perf_counter()
        action()
    waited()
    return 1000 * (time.perf_counter() - begun) / repeats

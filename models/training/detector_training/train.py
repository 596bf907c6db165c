"""Trains the networks on pictures made on the fly, and measures them on held-out photos."""

import copy
import time
import zlib
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from common.optimisation import adamw, average_in, learning_rate
from common.sources import sources

from . import refiner
from .frames import Photos, frame
from .measure import figures, refiner_figures
from .network import Detector
from .refiner import Refiner
from .refiner_crops import RefinerCrops
from .targets import cost, encoded

# One file in KEPT is held out for measuring; of the refiner's held-out crops, KEPT_BATCHES batches
# are used.
KEPT, KEPT_BATCHES = 25, 8


def held_out(file):
    return zlib.crc32(Path(file).name.encode()) % KEPT == 0


class Frames(torch.utils.data.IterableDataset):
    """Endless batches. A source is drawn by its share, then a photo uniformly."""

    def __init__(self, out, config):
        self.sources = [Photos(out, [name], held_out) for name in config["shares"]]
        scenes = [name for name in config["shares"] if sources()[name]["kind"] == "scenes"]
        self.scenes = Photos(out, scenes, held_out).faceless()
        share = np.array([*config["shares"].values()], float)
        self.share, self.batch, self.seed = share / share.sum(), config["batch"], config["seed"]

    def drawn(self, draw):
        photos = self.sources[draw.choice(len(self.sources), p=self.share)]
        return photos[int(draw.integers(len(photos)))]

    def made(self, draw):
        scene, _ = self.scenes[int(draw.integers(len(self.scenes)))]
        return frame(*self.drawn(draw), scene, self.drawn(draw), draw)

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        draw = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            made = [self.made(draw) for _ in range(self.batch)]
            scores, geometry = zip(*(encoded(faces) for _, faces in made))
            images = np.stack([image[:, :, ::-1].transpose(2, 0, 1) for image, _ in made])
            yield images, np.stack(scores), np.stack(geometry)


def train(out, config, name):
    """Trains the detector, or the refiner if the configuration has `crops`."""
    torch.manual_seed(config["seed"])
    if "crops" in config:
        kept = iter(RefinerCrops(out, config, kept=True))
        kept = [next(kept) for _ in range(KEPT_BATCHES)]
        learn(
            out,
            config,
            name,
            Refiner(),
            RefinerCrops(out, config),
            config["crops"],
            refiner.cost,
            refiner_figures,
            kept,
        )
    else:
        kept = Photos(out, [*config["shares"]], held_out, kept=True)
        learn(
            out,
            config,
            name,
            Detector(),
            Frames(out, config),
            config["frames"],
            cost,
            figures,
            kept,
        )


def learn(out, config, name, network, batches, pictures, cost, figures, kept):
    torch.set_num_threads(config["threads"])
    device = config.get("device", "cpu")
    if "start" in config:
        network.load_state_dict(torch.load(Path(out) / f"{config['start']}.pt"))
    network = network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).eval()
    optimiser = adamw([*network.parameters()], config)
    steps = pictures // config["batch"]
    loader = iter(torch.utils.data.DataLoader(batches, None, num_workers=config["workers"]))
    begun, running = time.time(), None
    for step in tqdm(range(steps), desc=name, mininterval=20):
        images, *truth = (torch.as_tensor(part).to(device) for part in next(loader))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, step / steps, config)
        images = images.float().contiguous(memory_format=torch.channels_last)
        costs = cost(network(images), *truth)
        optimiser.zero_grad(set_to_none=True)
        costs.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        average_in(averaged, network, step, config)
        running = costs.item() if running is None else 0.99 * running + 0.01 * costs.item()
        if (step + 1) % config["measure_every"] == 0 or step + 1 == steps:
            so_far = saved(averaged, out, name)
            print(
                f"\n{name} step {step + 1} cost {running:.3f}, {time.time() - begun:.0f} s",
                flush=True,
            )
            print(figures(so_far, kept), flush=True)
        if step + 1 == steps * 3 // 4:
            saved(averaged, out, f"{name}-three-quarters")


def saved(network, out, name):
    """A copy in CPU memory, written to OUT/NAME.pt."""
    copied = copy.deepcopy(network).cpu()
    torch.save(copied.state_dict(), Path(out) / f"{name}.pt")
    return copied

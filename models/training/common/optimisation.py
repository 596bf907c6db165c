"""Optimisation of every network: AdamW, a cosine schedule, an average of the weights."""

import math

import torch


def learning_rate(step, progress, config):
    """A linear rise over the first steps, then a cosine down to 1 %. `progress` is 0 to 1."""
    warm = min(1.0, (step + 1) / config.get("warm_steps", 300))
    return config["learning_rate"] * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def adamw(parameters, config):
    """Weight decay applies to weights and slopes, not to biases and norms."""
    decayed = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": config["weight_decay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config["learning_rate"])


@torch.no_grad()
def average_in(averaged, network, step, config):
    """Moves the exponential average towards the network, faster in the first steps."""
    decay = min(config["averaging"], (step + 1) / (step + 10))
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values()):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)

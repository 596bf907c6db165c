"""Platt scaling of the networks' log-odds, so that the threshold is 0.5."""

from pathlib import Path

import numpy as np

from common import bundle

from .crop import CLOSE_UP
from .measure import by_video, development, figures, log_odds_by_part
from .network import load

# The weight of the context network against the wide one; Silent-Face weighs both the same.
CONTEXT_SHARE = 0.5
# The weight of bona fide presentations; attacks count once. At 1.5, BPCER at 0.5 is at most 5 % on
# each set that is fitted.
BONA_FIDE_WEIGHT = 1.5
# The tight network is asked where the log-odds of the others are less than this from 0, and counts
# at most this much: fully for scores of 0.18 to 0.82.
WITHIN, SECOND_WEIGHT = 3.0, 0.4
# How many times the box fits into a close-up, and into a photo that is not one at all. Fitted at
# 1.2 times the box, the shift is half of that at 1.1.
FULL_AT, ENDS_AT = CLOSE_UP, 1.3
# CASIA-FASD is measured and not fitted.
FITTED = ("replay", "nuaa", "celeba", "caltech", "ytf")


def calibrate(out, names, target=None, context_share=CONTEXT_SHARE, bona_fide=BONA_FIDE_WEIGHT):
    """Prints the fusion and the resulting error rates, and writes it into TARGET/model.json."""
    networks = {part: load(out, name, part) for part, name in names.items()}
    sets, closer, rooms = {}, {}, {}
    for name, data in development(out).items():
        about = data["video"], data["label"]
        sets[name] = log_odds_by_part(networks, data), *about
        closer[name] = log_odds_by_part(networks, data, "_close"), *about
        rooms[name] = data["room"]
    fusion, second = fit(sets, context_share, bona_fide)
    close_up = fit_close_up(closer, fusion, second)
    print(rounded(fusion), rounded(second), rounded(close_up))
    if target:
        bundle.set_fusion(Path(target), fusion)
        bundle.set_second_opinion(Path(target), second)
        bundle.set_close_up(Path(target), close_up)
    for name, (log_odds, video, label) in sets.items():
        first = fused(log_odds, fusion)
        scores = {
            "first": first,
            "answer": answer(log_odds, rooms[name], fusion, second, close_up),
            "of close-ups": answer(closer[name][0], FULL_AT, fusion, second, close_up),
        }
        texts = [f"{key} {figures(*by_video(z, video, label))}" for key, z in scores.items()]
        print(f"  {name}: {', '.join(texts)}")


def fit(sets, context_share, bona_fide):
    """The fusion of context and wide, and the second opinion.

    The ratio of context and wide is given. Slopes and intercepts are logistic regressions in which
    each class of each set has the same weight, bona fide times `bona_fide`.
    """
    pairs, tight, labels, weights = [], [], [], []
    for log_odds, video, label in (sets[name] for name in FITTED if name in sets):
        mean = context_share * log_odds["context"] + (1 - context_share) * log_odds["wide"]
        pair, by_videos = by_video(mean, video, label)
        pairs.append(pair)
        tight.append(by_video(log_odds["tight"], video, label)[0])
        labels.append(by_videos)
        live = bona_fide / (~by_videos).sum()
        weights.append(np.where(by_videos, 1 / max(1, by_videos.sum()), live))
    pairs, tight, labels, weights = map(np.concatenate, (pairs, tight, labels, weights))
    line = lambda x: logistic_regression(np.c_[x, np.ones(len(x))], labels, weights)
    slope, intercept = line(pairs)
    shares = {"context": context_share, "wide": 1 - context_share}
    fusion = {part: slope * share for part, share in shares.items()} | {"intercept": intercept}
    slope, intercept = line(tight)
    second = {"within": WITHIN, "weight": SECOND_WEIGHT, "slope": slope, "intercept": intercept}
    return fusion, second


def fit_close_up(closer, fusion, second):
    """The correction of close-ups: the shift after which 0 is as likely an attack as not.

    Attackers choose the crop, so bona fide presentations count no more than attacks.
    """
    scores, labels, weights = [], [], []
    for log_odds, video, label in (closer[name] for name in FITTED if name in closer):
        z = reconsidered(fused(log_odds, fusion), log_odds["tight"], second, 1.0)
        z, by_videos = by_video(z, video, label)
        scores.append(z)
        labels.append(by_videos)
        weights.append(1 / np.where(by_videos, by_videos.sum(), (~by_videos).sum()))
    scores, labels, weights = map(np.concatenate, (scores, labels, weights))
    slope, intercept = logistic_regression(np.c_[scores, np.ones(len(scores))], labels, weights)
    return {"full_at": FULL_AT, "ends_at": ENDS_AT, "shift": intercept / slope}


def answer(log_odds, room, fusion, second, close_up):
    """As crates/inference/src/rgb_single.rs."""
    full_at, ends_at = close_up["full_at"], close_up["ends_at"]
    closeness = np.clip((ends_at - room) / (ends_at - full_at), 0, 1)
    z = reconsidered(fused(log_odds, fusion), log_odds["tight"], second, closeness)
    return z + closeness * close_up["shift"]


def fused(log_odds, fusion):
    weighted = sum(log_odds[part] * fusion[part] for part in ("context", "wide"))
    return weighted + fusion["intercept"]


def reconsidered(first, tight, second, closeness=0.0):
    doubt = np.clip(2 - 2 * np.abs(first) / second["within"], 0, 1)
    share = np.maximum(doubt, closeness) * second["weight"]
    return first + share * (second["slope"] * tight + second["intercept"] - first)


def rounded(values):
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def logistic_regression(x, labels, weights, ridge=1e-6):
    """Newton's method, starting from zero."""
    line = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ line, -30, 30)))
        gradient = x.T @ (weights * (p - labels)) + ridge * line
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(line))
        step = np.linalg.solve(curvature, gradient)
        line = line - step
        if abs(step).max() < 1e-9:
            break
    return line

"""What a larger pair of networks, trained before, says of every crop: a teacher assistant (Mirzadeh et al., "Improved
Knowledge Distillation via Teacher Assistant", 2020). It has learned what the teachers and the labels together ask for,
and sees the very pixels that the small pair sees, so that what it says can be copied more closely."""

from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from .sources import sources


def assist(out, folder, only=None):
    """Writes OUT/NAME.assistant.npy, N × 2, for every source that has crops, from FOLDER/close.onnx and near.onnx."""
    sessions = [onnxruntime.InferenceSession(Path(folder) / f"{part}.onnx") for part in ("close", "near")]
    for name in sources():
        file = Path(out) / f"{name}.assistant.npy"
        if file.exists() or (only and name not in only) or not (Path(out) / f"{name}.answers.npy").exists():
            continue
        arrays = [np.load(Path(out) / f"{name}.{part}.npy", mmap_mode="r") for part in ("close", "near")]
        said = [log_odds(session, crops, name) for session, crops in zip(sessions, arrays)]
        np.save(file, np.stack(said, 1).astype(np.float32))


def log_odds(session, crops, name):
    ask = lambda crop: session.run(None, {"image": crop[None].astype(np.float32)})[0].item()
    return [ask(crop) for crop in tqdm(crops, desc=name, mininterval=10)]

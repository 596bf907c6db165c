"""The log-odds of a larger, earlier pair of networks for every crop: a teacher assistant.

Mirzadeh et al., "Improved Knowledge Distillation via Teacher Assistant", 2020. The assistant has
learnt from teachers and labels together, and sees the same pixels as the small pair, so the small
pair can copy it more closely.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from common.sources import sources


def assist(out, folder, only=None):
    """Writes OUT/NAME.assistant.npy (N × 2) for every source that has crops.

    FOLDER holds the assistant's networks, tight.onnx and context.onnx.
    """
    sessions = [
        onnxruntime.InferenceSession(Path(folder) / f"{part}.onnx") for part in ("tight", "context")
    ]
    for name in sources():
        file = Path(out) / f"{name}.assistant.npy"
        if (
            file.exists()
            or (only and name not in only)
            or not (Path(out) / f"{name}.answers.npy").exists()
        ):
            continue
        arrays = [
            np.load(Path(out) / f"{name}.{part}.npy", mmap_mode="r")
            for part in ("tight", "context")
        ]
        said = [log_odds(session, crops, name) for session, crops in zip(sessions, arrays)]
        np.save(file, np.stack(said, 1).astype(np.float32))


def log_odds(session, crops, name):
    ask = lambda crop: session.run(None, {"image": crop[None].astype(np.float32)})[0].item()
    return [ask(crop) for crop in tqdm(crops, desc=name, mininterval=10)]

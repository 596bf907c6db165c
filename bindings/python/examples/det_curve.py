# %% [markdown]
# The DET curve of a folder with `live/…` and `spoof/…`: how many attacks pass (APCER) for how many
# live people refused (BPCER), at each threshold.
#
#     pip install face-liveness pandas matplotlib
#     python det_curve.py FOLDER

# %%
import pathlib
import sys

import matplotlib.pyplot as plt
import pandas as pd
from face_liveness import Engine, LivenessError

folder = pathlib.Path(sys.argv[1])
files = sorted(path for path in folder.rglob("*") if path.is_file())
table = pd.DataFrame({"path": files})
table["file"] = [path.relative_to(folder).as_posix() for path in files]
table["label"] = [name.split("/")[0] for name in table["file"]]
table = table[table["label"].isin(["live", "spoof"])]

# %% The scores. A photo without a face has none.
answers = Engine().detect_many((path.read_bytes() for path in table["path"]), auto_rotate=True)
errors = [answer if isinstance(answer, LivenessError) else None for answer in answers]
table["spoof_score"] = [None if e else a["spoofScore"] for a, e in zip(answers, errors)]
table["code"] = [e.code if e else None for e in errors]
print(table.groupby("label")["spoof_score"].describe())
print(table["code"].value_counts())

# %% `evaluate --scores pandas=scores.csv FOLDER` reads them, and adds confidence intervals.
scored = table.dropna(subset="spoof_score")
scored[["file", "spoof_score"]].to_csv("scores.csv", index=False)

# %%
live = scored.loc[scored["label"] == "live", "spoof_score"]
spoof = scored.loc[scored["label"] == "spoof", "spoof_score"]
thresholds = [0, *sorted(scored["spoof_score"].unique()), 1.01]
apcer = [(spoof < threshold).mean() for threshold in thresholds]
bpcer = [(live >= threshold).mean() for threshold in thresholds]

plt.step(apcer, bpcer, where="post")
plt.plot((spoof < 0.5).mean(), (live >= 0.5).mean(), "o", label="at 0.5")
plt.xlabel("APCER: attacks that pass")
plt.ylabel("BPCER: live people refused")
plt.legend()
plt.savefig("det.png")

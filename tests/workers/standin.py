"""A stand-in for pjreddie's darknet: its grammar, its lines and its files, and its faults on demand; it trains nothing.

STANDIN_PLAN names a JSON file: floats (of the network), every (iterations between saves), seconds (per iteration),
state (a file that counts starts), and faults as {"<n-th start>": iteration}: crash, oom, nan, hang, torn (a save cut
short, then death), deaf (goes on through SIGTERM), lost_final. Standard library only, so that it starts quickly.
"""

import json
import os
import signal
import struct
import sys
import time
from array import array
from pathlib import Path

PLAN = json.loads(Path(os.environ["STANDIN_PLAN"]).read_text())


def say(text: str) -> None:
    print(text, flush=True)


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: list[str]) -> int:
    clear = "-clear" in words
    data, cfg, *weights = [word for word in words[2:] if not word.startswith("-")]
    return train(settings(data), Path(cfg), weights[0] if weights else None, clear)


def settings(path: str) -> dict[str, str]:
    lines = Path(path).read_text().replace(" ", "").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def train(data: dict[str, str], cfg: Path, weights: str | None, clear: bool) -> int:
    net = settings(str(cfg))
    start = count_start()
    iteration = begin(weights, int(net["batch"])) if not clear else begin(weights, 0)
    for picture in Path(data["train"]).read_text().split():
        if not Path(picture).is_file() or not Path(picture).with_suffix(".txt").is_file():
            complain(f"Couldn't open file: {picture}")
            return 0
    if fault("deaf", start) is not None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(f"Learning Rate: {net['learning_rate']}, Momentum: 0.9, Decay: 0.0005")
    return steps(Path(data["backup"]) / cfg.name.split(".")[0], net, iteration, start)


def begin(weights: str | None, batch: int) -> int:
    if weights is None:
        return 0
    complain(f"Loading weights from {weights}...")
    seen: int = struct.unpack("<iiiQ", Path(weights).read_bytes()[:20])[3]
    complain("Done!")
    return seen // batch if batch else 0


def steps(base: Path, net: dict[str, str], iteration: int, start: str) -> int:
    batch = int(net["batch"])
    while iteration < int(net["max_batches"]):
        iteration += 1
        time.sleep(PLAN["seconds"])
        say("Loaded: 0.000021 seconds")
        nan = fault("nan", start)
        loss = "-nan" if nan is not None and iteration >= nan else f"{90 / iteration:.6f}"
        say(f"{iteration}: {loss}, {loss} avg, 0.001000 rate, 0.001000 seconds, {iteration * batch} images")
        if fault("oom", start) == iteration:
            complain("CUDA Error: out of memory")
            return 1
        suffer(start, iteration)
        if iteration % PLAN["every"] == 0:
            torn = fault("torn", start) == iteration
            save(Path(f"{base}.backup"), iteration * batch, torn)
            save(Path(f"{base}_{iteration}.weights"), iteration * batch, torn)
    if fault("lost_final", start) is None:
        save(Path(f"{base}_final.weights"), iteration * batch, False)
    else:
        complain(f"Saving weights to {base}_final.weights")
    return 0


def suffer(start: str, iteration: int) -> None:
    if fault("crash", start) == iteration:
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault("hang", start) == iteration:
        time.sleep(3600)


def count_start() -> str:
    path = Path(PLAN["state"])
    number = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(number))
    return str(number)


def fault(name: str, start: str) -> int | None:
    found = PLAN.get(name, {}).get(start)
    return int(found) if found is not None else None


def save(path: Path, seen: int, torn: bool) -> None:
    complain(f"Saving weights to {path}")
    with path.open("wb") as file:
        file.write(struct.pack("<iiiQ", 0, 2, 0, seen))
        file.write(array("f", [0.01]) * (PLAN["floats"] // 3 if torn else PLAN["floats"]))
    if torn:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

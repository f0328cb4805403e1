"""Why a run ended: every transcript and fixture we have, and every text that users' consoles show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.model.training import Failure, RunEvent
from bridge.plugin import Output
from bridge.texts import catalogue, render
from plugins.engines.darknet.failures import classify
from plugins.engines.darknet.log import DarknetLog
from plugins.engines.darknet.signs import MILD, STRONG

FOLDER = Path(__file__).parents[3] / "fixtures" / "darknet"

# What each transcript must be called, by file, case and fork; a case that is not listed trained to its end.
# The harness kept only lines of interest: where it dropped the reason (pj), no more than "unknown" can be told.
EXPECTED: dict[tuple[str, str], dict[str, str]] = {
    ("bad_images_and_labels_1", "missing image"): {"ac": "data", "h": "data"},
    ("bad_images_and_labels_1", "corrupt"): {"ac": "data", "h": "data"},
    ("bad_images_and_labels_1", "nolabel"): {"h": "data"},
    ("bad_images_and_labels_1", "class id too big"): {"h": "data"},
    ("bad_images_and_labels_1", "class id negative"): {"h": "data"},
    ("bad_images_and_labels_1", "x=0 y=0"): {"pj": "data", "h": "data"},
    ("bad_images_and_labels_1", "w=0"): {"h": "data"},
    ("bad_images_and_labels_1", "neg w"): {"h": "data"},
    ("bad_labels_and_paths_2", "quote in name"): {"h": "data"},
    ("bad_labels_and_paths_2", ".jpeg.txt/double"): {"pj": "missing-file"},
    ("bad_labels_and_paths_2", "long path + bad label"): {"h": "data"},
    ("bad_labels_and_paths_2", ".. images/train2017 map"): {"pj": "missing-file"},
    ("bad_weights_and_gpus_flag", "trunc"): {"h": "cfg"},
    ("bad_weights_and_gpus_flag", "hdr"): {"pj": "incomplete", "a": "incomplete", "h": "cfg"},
    ("bad_weights_and_gpus_flag", "empty"): {"h": "cfg"},
    ("bad_weights_and_gpus_flag", "garb"): {"pj": "incomplete", "a": "incomplete", "h": "cfg"},
    ("bad_weights_and_gpus_flag", "-gpus 0,1 on CPU h"): {"h": "environment"},
    ("cfg_and_lists", "empty train.txt"): {"pj": "data", "a": "data", "h": "data"},
    ("cfg_and_lists", "train.txt with blank lines"): {"pj": "data", "h": "data"},
    ("cfg_and_lists", "train.txt CRLF"): {"pj": "data"},
    ("cfg_and_lists", "train.txt trailing space"): {"pj": "data", "h": "data"},
    ("cfg_and_lists", "backup dir missing"): {"pj": "missing-file", "a": "missing-file", "h": "missing-file"},
    ("cfg_and_lists", "cfg cls_mismatch_filters"): {"pj": "unknown", "a": "cfg", "ac": "cfg", "h": "cfg"},
    ("cfg_and_lists", "cfg subbig"): {"pj": "data"},
    ("cfg_and_lists", "cfg w100"): {"pj": "unknown", "a": "cfg", "ac": "cfg", "h": "cfg"},
    ("cfg_and_lists", "cfg batch1"): {"a": "cfg", "ac": "cfg", "h": "cfg"},
    ("cfg_and_lists", "cfg mosaic"): {"a": "cfg"},
    ("cfg_and_lists", "cfg cutmix"): {"a": "cfg", "h": "cfg"},
    ("cfg_and_lists", "cfg unk"): {"h": "cfg"},
    ("cfg_and_lists", "cfg nanlr"): {"pj": "nan", "a": "nan", "ac": "nan", "h": "killed"},
    ("cfg_and_lists", "cfg random1"): {"pj": "killed"},
    ("cfg_and_lists", "cfg lbm"): {"a": "cfg", "ac": "cfg", "h": "cfg"},
    ("cfg_and_names_2", "-map no valid file"): {"a": "missing-file", "h": "missing-file"},
    ("cfg_and_names_2", "-map names too few"): {"a": "cfg", "h": "cfg"},
    ("cfg_and_names_2", "-map names too many"): {"a": "cfg", "h": "cfg"},
    ("cfg_and_names_2", "train names too few, no map"): {"h": "cfg"},
    ("cfg_and_names_2", "policy=steps no steps"): {"pj": "unknown", "a": "cfg", "h": "cfg"},
    ("cfg_and_names_2", "anchors more than num"): {"pj": "unknown", "h": "killed"},
    ("cfg_and_names_2", "unknown section"): {"pj": "data", "a": "data", "h": "cfg"},
    ("cfg_and_names_2", "first section not net"): {"pj": "unknown", "a": "cfg", "h": "cfg"},
    ("cfg_and_names_2", "duplicate key"): {"h": "cfg"},
    ("cfg_and_names_2", "cfg CRLF"): {"pj": "unknown"},
    ("cfg_and_names_2", "yolo layers with different classes"): {"h": "cfg"},
    ("resume_and_backups", "resume from _final (iter==max)"): {"a": "incomplete"},
}
LENGTHS = {"q.cfg": 8, "r.cfg": 23, "nanlr.cfg": 12}


def transcripts() -> Iterator[tuple[str, str, str, str, Output]]:
    for path in sorted((FOLDER / "failures").glob("*.txt")):
        title = ""
        head: tuple[str, str, str, int] | None = None
        out: list[str] = []
        err: list[str] = []
        for line in [*path.read_text("utf-8").split("\n"), "## end"]:
            if line.startswith(("=", "---")):
                title = re.sub(r"^[=-]{3,} *", "", line)
            elif line.startswith("## "):
                if head:
                    yield path.stem, *head[:3], Output("".join(out), "".join(err), head[3])
                m = re.match(r"## (\w+) (.*) -> rc [A-Z(]*(-?\d+)", line)
                weights = re.search(r"/(\w+)\.weights", line)
                case = title or (weights.group(1) if weights else "")
                head, out, err = (case, m[1], m[2], int(m[3])) if m else None, [], []
            elif line.startswith(("    O: ", "    E: ")):
                (out if line[4] == "O" else err).append(line[7:] + "\n")


def length(case: str, args: str) -> int:
    if "rh.cfg" in args:
        return 12 if "clear" in case else 23
    return next((n for name, n in LENGTHS.items() if f"/{name}" in args), 4)


def test_transcripts() -> None:
    wrong, seen = [], set()
    for stem, case, fork, args, output in transcripts():
        failure = classify([], output, length(case, args))
        seen.add((stem, case))
        if (failure.kind if failure else None) != EXPECTED.get((stem, case), {}).get(fork):
            wrong.append((stem, case, fork, failure))
    assert wrong == []
    assert set(EXPECTED) <= seen


def outcome(name: str, code: int, max_batches: int) -> Failure | None:
    log = DarknetLog()
    text = {s: _text(f"{name}.{s}.txt") for s in ("stdout", "stderr")}
    events = log.feed("out", text["stdout"].encode()) + log.feed("err", text["stderr"].encode()) + log.end()
    # A worker keeps all events but only the end of the text.
    return classify(events, Output(text["stdout"][-2000:], text["stderr"][-2000:], code), max_batches)


def _text(name: str) -> str:
    path = FOLDER / name
    return path.read_text("utf-8") if path.exists() else ""


@pytest.mark.parametrize(
    ("name", "code", "max_batches", "kind", "action"),
    [
        ("train/pjreddie", 0, 40, None, None),
        ("train/alexeyab_2018-11", 0, 40, None, None),
        ("train/alexeyab_2019-02_map", 0, 40, None, None),
        ("train/alexeyab_head_random", 0, 24, None, None),
        ("train/hank_v5.1_colour", 0, 40, None, None),
        ("train/hank_v5.1_map_nocolour", 0, 120, None, None),
        ("train/alexeyab_head_nan", -6, 205, "nan", "action-nan"),
        ("train/hank_v5.1_nan_then_hang", -15, 220, "nan", "action-nan"),
        ("train/pjreddie", 0, 1000, "incomplete", "action-unknown"),
        ("gpu_stub/oom_at_load", 1, 2050, "out-of-memory", "action-out-of-memory"),
        ("gpu_stub/oom_second_gpu", 1, 2050, "out-of-memory", "action-out-of-memory"),
        ("gpu_stub/launch_timeout", 1, 2050, "launch-timeout", "action-launch-timeout"),
        ("gpu_stub/launch_failure_3gpu", 1, 2050, "kernel-fault", "action-kernel-fault"),
        ("gpu_stub/illegal_access_3gpu", 1, 2050, "kernel-fault", "action-kernel-fault"),
        ("gpu_stub/bad_gpu_index", 1, 2050, "environment", "action-environment"),
        ("gpu_stub/no_driver_real_cudart", 1, 2050, "environment", "action-environment"),
    ],
)
def test_real_runs(name: str, code: int, max_batches: int, kind: str | None, action: str | None) -> None:
    failure = outcome(name, code, max_batches)
    assert (failure and failure.kind, failure and failure.action) == (kind, action)
    if failure:
        assert failure.tail or kind == "incomplete"
        assert failure.fields["exit_code"] == code


def step(iteration: int, loss: float | None = 1.0, attempt: int = 1) -> RunEvent:
    return RunEvent("iteration", {"iteration": iteration, "loss": loss, "avg_loss": loss}, attempt=attempt)


FINAL = RunEvent("saved", {"path": "/b/net_final.weights"})
QUIET = Output("", "", 0)


def test_success_is_last_iteration_final_weights_and_a_number() -> None:
    assert classify([step(100), FINAL], QUIET, 100) is None
    assert classify([step(102), FINAL], QUIET, 100) is None, "three GPUs step past the end"
    assert classify([step(100), FINAL], Output("", "", -6), 100) is None, "a crash after the end loses nothing"
    for events, kind in (
        ([step(100)], "incomplete"),
        ([step(99), FINAL], "incomplete"),
        ([step(100, float("nan")), FINAL], "nan"),
        ([step(100, None), FINAL], "nan"),
        ([FINAL], "incomplete"),
        ([], "incomplete"),
    ):
        failure = classify(events, QUIET, 100)
        assert failure is not None
        assert failure.kind == kind


def test_nothing_trained_is_no_crash() -> None:
    for code in (0, -11, -6):
        failure = classify([FINAL], Output("", "", code), 100)
        assert failure is not None
        assert (failure.kind, failure.cause) == ("incomplete", "cause-nothing-trained")


def test_only_the_latest_attempt_counts() -> None:
    first = [step(50, float("nan")), RunEvent("cuda-error", {"text": "out of memory"})]
    second = [step(100, attempt=2), RunEvent("saved", {"path": "/b/net_final.weights"}, attempt=2)]
    assert classify([*first, *second], QUIET, 100) is None


def test_a_loss_that_becomes_a_number_again_is_no_failure() -> None:
    assert classify([step(98, float("nan")), step(100), FINAL], QUIET, 100) is None


def test_weights_that_could_not_be_written_are_no_success() -> None:
    failure = classify([step(4), FINAL], Output("", "Couldn't open file: /b/net_final.weights\n", 0), 4)
    assert failure is not None
    assert (failure.kind, failure.cause) == ("missing-file", "cause-backup-folder")
    assert failure.fields["path"] == "/b/net_final.weights"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *[(code, "killed") for code in (-9, 137, -15, 143, -2, 0xC000013A)],
        *[(code, "data") for code in (-8, 136, -11, 139, 0xC0000005)],
        *[(code, "unknown") for code in (-6, 134, 1, 255)],
        (-4, "environment"),
        (0, "incomplete"),
    ],
)
def test_exit_codes_without_a_word(code: int, kind: str) -> None:
    failure = classify([step(5)], Output("", "", code), 100)
    assert failure is not None
    assert failure.kind == kind


# One real console text per row; `3` after it: iterations had run before.
TEXTS = [
    ("CUDA Error: out of memory: Success", "out-of-memory", "action-out-of-memory"),
    ("CUDA Error: out of memory: Success 3", "out-of-memory", "action-out-of-memory-later"),
    ("* Error message:  CUDA memory allocation failed (512.0 MiB).", "out-of-memory", "action-out-of-memory"),
    ("* Error message:  most recent CUDA error: status=2 cudaError: out of memory", "out-of-memory", ""),
    ("Cuda malloc failed: 2", "out-of-memory", ""),
    ("darknet: ./src/network.c:392: resize_network: Assertion `0' failed.", "out-of-memory", ""),
    ("  7 Try to set subdivisions=64 in your cfg-file. CUDA Error: out of memory", "out-of-memory", ""),
    ("CUDA Error: the launch timed out and was terminated", "launch-timeout", ""),
    ("CUDA Error: unspecified launch failure", "kernel-fault", ""),
    ("CUDA Error Prev: an illegal memory access was encountered", "kernel-fault", ""),
    ("CUDA Error: misaligned address", "kernel-fault", ""),
    ("CUDA Error: device-side assert triggered", "kernel-fault", ""),
    ("CUDA Error: an illegal instruction was encountered", "kernel-fault", ""),
    ("CUDA Error Prev: no error", "kernel-fault", ""),
    ("CUDA Error: something that is new", "kernel-fault", ""),
    ("CUDA Error: uncorrectable ECC error encountered", "hardware", ""),
    ("CUDA Error: uncorrectable NVLink error detected during the execution", "hardware", ""),
    ("CUDA Error: unknown error", "gpu-busy", ""),
    ("CUDA Error: all CUDA-capable devices are busy or unavailable", "gpu-busy", ""),
    ("CUDA Error: CUDA-capable device(s) is/are busy or unavailable", "gpu-busy", ""),
    ("CUDA Error: initialization error", "gpu-busy", ""),
    ("CUDA Error: no CUDA-capable device is detected", "environment", ""),
    ("CUDA Error: no kernel image is available for execution on the device", "environment", ""),
    ("CUDA Error: invalid device function", "environment", ""),
    ("CUDA Error: mapping of buffer object failed", "environment", ""),
    ("CUDA Error: cannot set while device is active in this process", "environment", ""),
    ("CUDA Error: system has unsupported display driver / cuda driver combination", "environment", ""),
    ("cuDNN Error: CUDNN_STATUS_BAD_PARAM", "cudnn", "action-without-map"),
    ("* Error message:  cuDNN current error: status=3, CUDNN_STATUS_BAD_PARAM", "cudnn", "action-without-map"),
    ("40cuDNN Error: CUDNN_STATUS_EXECUTION_FAILED", "cudnn", "action-cudnn"),
    ("Error: cuDNN isn't found FWD algo for convolution.", "cudnn", "action-out-of-memory"),
    ("* Error message:  cuDNN did not find FWD algo for convolution", "cudnn", ""),
    ("cuBLAS Error", "cublas", ""),
    ("cuBLAS status Error in: file: ./src/gemm.c function: gemm_ongpu() line: 1", "cublas", ""),
    ("Failed to calloc 1.2 GiB", "host-memory", ""),
    ("Malloc error", "host-memory", ""),
    ("Realloc error - possibly out of CPU RAM: Cannot allocate memory", "host-memory", ""),
    ("OpenCV Error: Insufficient memory (Failed to allocate 18446744073709551612 bytes)", "host-memory", ""),
    ("Out of memory: Killed process 4711 (darknet)", "host-memory", ""),
    ("./run.sh: line 3:  4711 Killed   ./darknet detector train", "killed", ""),
    ("40Killed", "killed", ""),
    ("Couldn't open file: data/coco.names", "missing-file", ""),
    ('* Error message:  filename seems to be missing; cannot open the file "<unknown>"', "missing-file", ""),
    ("train: Using default 'data/train.txt'", "missing-file", ""),
    ("Error: There is no /v.txt file for mAP calculation!", "missing-file", ""),
    ("* Error message:  signal handler invoked for signal #11 (Segmentation fault)", "missing-file", ""),
    ("* Error message:  Cancel the attempt to train a neural network using a CPU.", "environment", ""),
    ("* Error message:  An attempt was made to start training without a GPU.", "environment", ""),
    ("(darknet:1): Gtk-WARNING **: cannot open display:", "environment", ""),
    ("Unable to init server: Could not connect: Connection refused", "environment", ""),
    ("Illegal instruction (core dumped)", "environment", ""),
    ("Error: l.outputs == params.inputs, filters= in the [convolutional]-layer doesn't correspond", "cfg", ""),
    ("darknet: ./src/parser.c:315: parse_yolo: Assertion `l.outputs == params.inputs' failed.", "cfg", ""),
    ("Layer before convolutional layer must output image.: Success", "cfg", ""),
    ("STEPS policy must have steps and scales in cfg file: Success", "cfg", ""),
    ("First section must be [net] or [network]: Success", "cfg", ""),
    ("No input parameters supplied: Success", "cfg", ""),
    ("Config file has no sections: Success", "cfg", ""),
    ("Type not recognized: [frobnicate]", "cfg", ""),
    ("mosaic=1 - compile Darknet with OpenCV for using mosaic=1: Success", "cfg", ""),
    ("cutmix=1 - isn't supported for Detector: Success", "cfg", ""),
    ("Combination: letter_box=1 & mosaic=1 - isn't supported, use only 1 of these parameters", "cfg", ""),
    ("Error: in the file obj.names number of names 2 that isn't equal to classes=3 in the file a.cfg", "cfg", ""),
    ("Error: Different [yolo] layers have different number of classes = 3 and 4 - check your cfg-file!", "cfg", ""),
    ("data.c:1201: load_data_detection: Assertion `use_mixup < 2' failed.", "cfg", ""),
    ("* Error message:  activation name \"x\" is not supported", "cfg", ""),
    ("Warning: Unexpected end of wights-file! l.biases - l.index = 3", "cfg", "action-weights"),
    ("* Error message:  expected to read 48 fields, but only read 0", "cfg", "action-weights"),
    ('Cannot load image "/a/b.jpg"', "data", ""),
    ('annot load image "/a/b.jpg', "data", ""),
    ("OpenCV exception: load_image_mat_cv", "data", ""),
    ("OpenCV can't augment image: 608 x 608", "data", ""),
    ("Wrong label: 7 - j = 0, x = 1.2", "data", ""),
    ("Wrong annotation: x = 0, y = 0, < 0 or > 1, file: /a.txt", "data", ""),
    ("double free or corruption (out)", "data", ""),
    ("*** Error in `./darknet': free(): invalid next size (normal): 0x00 ***", "data", ""),
    ("corrupted double-linked list", "data", ""),
    ("*** buffer overflow detected ***: ./darknet terminated", "data", ""),
    ("Assertion failed (N >= K) in cv::kmeans", "data", ""),
    ("Very small path to the image:", "data", ""),
    ("Segmentation fault (core dumped)", "data", ""),
    ("Floating point exception (core dumped)", "data", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "action"), TEXTS)
def test_texts_of_consoles(text: str, kind: str, action: str) -> None:
    ran = text.endswith(" 3")
    output = Output(text.removesuffix(" 3") + "\n", "", 1)
    failure = classify([step(3000)] if ran else [], output, 6000)
    assert failure is not None
    assert failure.kind == kind
    assert not action or failure.action == action
    cause = render("failures", failure.cause, failure.fields)
    assert "{" not in cause, "every field of the sentence is there"
    assert "Success" not in cause, "the noise of perror is cut off"


def test_every_key_has_a_sentence() -> None:
    keys = {key for s in (*STRONG, *MILD) for key in (s.cause, s.action, s.later) if key}
    assert keys <= set(catalogue("en", "failures"))


def test_complaints_of_data_do_not_hide_a_kill() -> None:
    failure = classify([step(5)], Output("Wrong annotation: x = 0, y = 0\n", "", -9), 100)
    assert failure is not None
    assert failure.kind == "killed"


def test_cublas_counts_even_at_the_end() -> None:
    failure = classify([step(100), FINAL], Output("cuBLAS Error\n", "", 0), 100)
    assert failure is not None
    assert failure.kind == "cublas"

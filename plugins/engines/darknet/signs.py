"""What darknet, CUDA, the C library and shells print before or instead of an end, and what it means.

Searched in order, inside lines and not only at their start: streams glue together. STRONG ones end a run; MILD ones are
often survived, so they only explain an end that nothing else explains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """One text: the kind of failure, the keys of its cause and of what to do (later: once iterations have run)."""

    pattern: re.Pattern[str]
    kind: str
    cause: str
    action: str
    later: str = ""
    only_at_start: bool = False


def _sign(pattern: str, kind: str, cause: str = "", action: str = "", later: str = "", start: bool = False) -> Sign:
    return Sign(
        re.compile(pattern, re.IGNORECASE),
        kind,
        f"cause-{cause or kind}",
        f"action-{action or kind}",
        f"action-{later}" if later else "",
        start,
    )


def _cuda(texts: str, kind: str, cause: str = "", action: str = "", later: str = "") -> Sign:
    return _sign(rf"CUDA error.*(?:{texts})", kind, cause, action, later)


_GPU = (
    _cuda("out of memory", "out-of-memory", later="out-of-memory-later"),
    _sign(
        r"CUDA memory allocation failed|Cuda malloc failed|resize_network: Assertion",
        "out-of-memory",
        later="out-of-memory-later",
    ),
    _cuda("launch timed out", "launch-timeout"),
    _cuda("ECC error|NVLink error|fallen off the bus", "hardware"),
    _cuda(
        "no CUDA-capable device|insufficient for CUDA runtime|invalid device ordinal|no kernel image"
        "|invalid device function|invalid device symbol|mapping of buffer object failed|cannot set while device"
        "|unsupported display driver",
        "environment",
        "cuda-environment",
    ),
    _cuda("unknown error|busy or unavailable|devices are busy|initialization error", "gpu-busy"),
    # Old forks print "no error" after an asynchronous fault: they ask for the wrong status.
    _cuda(
        "unspecified launch failure|illegal memory access|misaligned address|device-side assert|illegal instruction"
        "|error: no error",
        "kernel-fault",
    ),
    _sign(r"CUDA error(?: prev)?: .|current CUDA error|recent CUDA error", "kernel-fault", "cuda-other"),
    _sign(r"cuBLAS|CUBLAS_STATUS", "cublas"),
    _sign(r"CUDNN_STATUS_BAD_PARAM", "cudnn", "cudnn-bad-param", "without-map"),
    _sign(r"cuDNN (?:isn't found|did not find)", "cudnn", "cudnn-no-algorithm", "out-of-memory"),
    _sign(r"cuDNN.*error|CUDNN_STATUS_", "cudnn"),
)
_MACHINE = (
    _sign(
        r"Failed to (?:malloc|calloc|realloc)|(?:malloc|calloc|realloc) error|possibly out of CPU RAM"
        r"|Insufficient memory|bad_alloc|oom-kill|Out of memory: Kill",
        "host-memory",
    ),
    _sign(
        r"attempt to train a neural network using a CPU|attempt was made to start training without a GPU",
        "environment",
        "cpu-refused",
    ),
    _sign(
        r"cannot open display|Unable to init server|could not connect to display|no Qt platform plugin",
        "environment",
        "no-display",
    ),
    _sign(r"illegal instruction", "environment", "instruction"),
)
_FILES = (
    _sign(r"Couldn't open file: (?P<path>.+)", "missing-file"),
    _sign(r"(?:failed|cannot) (?:to )?open the file \"(?P<path>[^\"]+)\"", "missing-file"),
    _sign(r"There is no (?P<path>.+?) file for mAP calculation", "missing-file"),
    _sign(r"train: using default 'data/(?P<path>[^']+)'", "missing-file", "wrong-data-file"),
)
_CFG = (
    _sign(
        r"filters= in the \[convolutional\]|filters in convolutional layer prior|l\.outputs == params\.inputs"
        r"|classes= or num= in \[region\]",
        "cfg",
        "cfg-filters",
    ),
    _sign(r"number of names \d+ that isn't equal|mismatch between number of classes|name = \(null\)", "cfg", "names"),
    _sign(r"layers have different number of classes", "cfg", "cfg-classes"),
    _sign(r"layer before .*must output image|height of the input layers are different", "cfg", "cfg-size"),
    _sign(r"incorrect value batch=1|batch size should not be set to 1", "cfg", "cfg-batch"),
    _sign(r"mosaic=1 - compile|cutmix=1|letter_?box.*mosaic|use_mixup < 2", "cfg", "cfg-mosaic"),
    _sign(
        r"policy must have steps|first section must be|expected to find \[net\]|No input parameters supplied"
        r"|Config file has no sections|Type not recognized|(?:layer|activation) name \".*\" is not supported"
        r"|unused or invalid|duplicate key|without a section at line",
        "cfg",
        "cfg-text",
    ),
    _sign(r"expected to read \d+ fields, but only read", "cfg", "weights", "weights"),
    _sign(r"error location: \S*(?:parser\.c|darknet_cfg\.cpp)|parse_\w+\(\)|load_data_detection\(\), line", "cfg"),
)
_DATA = (
    _sign(
        r"image filename does not exist: \"(?P<path>[^\"]+)|failed to load image file \"(?P<file>[^\"]+)"
        r"|failed to open annotation file|without a filename",
        "data",
        "picture",
    ),
    _sign(r"invalid class id|invalid coordinate in|invalid annotation for", "data", "label"),
    _sign(r"failed to read any lines|no training images available", "data", "empty-list"),
    _sign(r"N >= K", "data", "few-boxes"),
    _sign(
        r"double free|free\(\): |corrupted (?:unsorted|double|size)|malloc\(\): |buffer overflow detected|smashing",
        "data",
        "heap",
    ),
    _sign(r"signal #11", "missing-file", "hank-crash", start=True),
)
STRONG: tuple[Sign, ...] = (*_GPU, *_MACHINE, *_FILES, *_DATA[:4], *_CFG, *_DATA[4:])

MILD: tuple[Sign, ...] = (
    _sign(
        r"c?annot load image \"?(?P<path>[^\"]*)|load_data_detection\(\) - OpenCV|load_image_mat|can't augment image",
        "data",
        "picture",
    ),
    _sign(r"Wrong (?:annotation|label)|class_id=-?\d+ >= classes|can't open label file", "data", "label"),
    _sign(r"infer label file name|very small path to the image", "data", "picture"),
    _sign(r"unexpected end of wights-file", "cfg", "weights", "weights"),
    _sign(r"must be divisible by 32", "cfg", "cfg-size"),
    _sign(r"Segmentation fault", "data", "crash"),
    _sign(r"Floating point exception", "data", "arithmetic"),
)

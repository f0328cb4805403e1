"""What each fork of darknet knows: layer names, and the keys that hank-ai's accepts (any other key stops it).

Names as their parsers had them in 2026; pjreddie's and AlexeyAB's only mention unknown keys and go on.
"""

from __future__ import annotations

PJREDDIE = "pjreddie"
ALEXEYAB = "alexeyab"
HANK_AI = "hank-ai"


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_SHARED = (
    "net network shortcut cost region yolo conv convolutional crnn lstm rnn conn connected max maxpool avg avgpool"
    " dropout soft softmax route upsample"
)
LAYERS: dict[str, frozenset[str]] = {
    PJREDDIE: _words(
        _SHARED,
        "crop detection iseg local deconv deconvolutional activation logistic l2norm gru reorg",
        "lrn normalization batchnorm",
    ),
    ALEXEYAB: _words(
        _SHARED,
        "scale_channels sam crop detection Gaussian_yolo local activation gru conv_lstm history",
        "local_avg local_avgpool reorg3d reorg lrn normalization batchnorm contrastive empty silence implicit",
    ),
    HANK_AI: _words(
        _SHARED,
        "scale_channels sam Gaussian_yolo local_avg local_avgpool reorg3d contrastive empty silence blank",
    ),
}

_EVERY_LAYER = (
    "clip onlyforward dont_update burnin_update stopbackward train_only_bn dontload dontloadscales learning_rate"
)
_HEAD = (
    "classes num max mask anchors map max_delta counters_per_class label_smooth_eps scale_x_y objectness_smooth"
    " iou_normalizer obj_normalizer cls_normalizer delta_normalizer iou_loss iou_thresh_kind beta_nms nms_kind jitter"
    " resize ignore_thresh truth_thresh iou_thresh random"
)
_NET = (
    "max_batches batch learning_rate learning_rate_min sgdr_cycle sgdr_mult momentum decay subdivisions time_steps"
    " track augment_speed sequential_subdivisions try_fix_nan weights_reject_freq equidistant_point"
    " badlabels_rejection_percentage num_sigmas_reject_badlabels ema_alpha use_cuda_graph loss_scale dynamic_minibatch"
    " optimized_memory workspace_size_limit_MB adam height width channels inputs flip blur gaussian_noise mixup cutmix"
    " mosaic letter_box mosaic_bound contrastive contrastive_jit_flip contrastive_color label_smooth_eps resize_step"
    " attention adversarial_lr max_chart_loss angle aspect saturation exposure hue power policy burn_in"
    " show_receptive_field"
)
# Read only when the policy calls for them, so without it they are unused, and fatal.
_POLICY = {
    "step": "step scale",
    "steps": "steps scales seq_scales",
    "sgdr": "steps scales seq_scales",
    "exp": "gamma",
    "sigmoid": "gamma step",
}
_LAYER: dict[str, frozenset[str]] = {
    "convolutional": _words(
        _EVERY_LAYER,
        "filters groups size stride stride_x stride_y dilation antialiasing pad padding activation assisted_excitation",
        "share_index batch_normalize cbn binary xnor bin_output sway rotate stretch stretch_sway flipped dot angle",
        "grad_centr reverse coordconv stream wait_stream",
    ),
    "route": _words(_EVERY_LAYER, "layers groups group_id stream wait_stream"),
    "maxpool": _words(
        _EVERY_LAYER,
        "stride stride_x stride_y size padding maxpool_depth out_channels antialiasing maxpool_zero_nonmax",
    ),
    "upsample": _words(_EVERY_LAYER, "stride scale"),
    "shortcut": _words(_EVERY_LAYER, "from activation weights_type weights_normalization"),
    "yolo": _words(
        _EVERY_LAYER,
        _HEAD,
        "new_coords focal_loss track_history_size sim_thresh dets_for_track dets_for_show track_ciou_norm",
        "embedding_layer",
    ),
    "Gaussian_yolo": _words(_EVERY_LAYER, _HEAD, "uc_normalizer yolo_point"),
}


def hank_keys(kind: str, policy: str, adam: bool) -> frozenset[str] | None:
    """Every key that hank-ai's darknet takes in a section; None for kinds that are not listed here."""
    if kind == "net":
        return _words(_NET, _POLICY.get(policy, ""), "B1 B2 eps" if adam else "")
    return _LAYER.get(kind)

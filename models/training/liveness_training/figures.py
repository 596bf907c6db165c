"""The figures of an evaluator's report that a model card shows, and their format."""

FIGURES = {"EER": "eer", "APCER": "apcer_pooled", "worst species": "apcer_max", "BPCER": "bpcer"}


def interval(figure):
    """The value in percent, with its confidence interval."""
    if figure["value"] is None:
        return "–"
    return "{:.1f} [{:.1f}, {:.1f}]".format(
        *(100 * (figure[key] or 0) for key in ("value", "low", "high"))
    )


def counts(report):
    return "{bona_fide} bona fide, {attacks} attacks, {clusters} clusters".format(**report)

"""The figures of the evaluator's report that a model's card shows, and how it shows them."""

FIGURES = {"EER": "eer", "APCER": "apcer_pooled", "worst species": "apcer_max", "BPCER": "bpcer"}


def interval(figure):
    """In percent, with its interval."""
    if figure["value"] is None:
        return "–"
    return "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * (figure[key] or 0) for key in ("value", "low", "high")))


def counts(report):
    return f"{report['bona_fide']} bona fide, {report['attacks']} attacks, {report['clusters']} clusters"

"""The methods that the torch engine has, in its own words."""

from tandem_operator.api.spec import Method

METHODS = {
    Method.DRAFT_MODEL: "draft_model",
    Method.N_GRAM: "ngram",
    Method.LAYER_SKIP: "layer_skip",
}

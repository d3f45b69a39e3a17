"""The methods that vLLM has, in its own words."""

from tandem_operator.api.spec import Method

METHODS = {
    Method.DRAFT_MODEL: "draft_model",
    Method.EAGLE: "eagle",
    Method.EAGLE3: "eagle3",
    Method.MTP: "mtp",
    Method.N_GRAM: "ngram",
    Method.SUFFIX: "suffix",
    Method.MEDUSA: "medusa",
    Method.DFLASH: "dflash",
    Method.DSPARK: "dspark",
}

"""Where a model and its tokenizer come from."""

from typing import Annotated, ClassVar

from pydantic import Field

from tandem_operator.api.fields import Explained, Rule, SpecModel

ORGANIZATION_AND_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
DNS_SUBDOMAIN = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
PATH = r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
IMAGE_REFERENCE = r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"
URI_PATTERN = (
    rf"^(hf://{ORGANIZATION_AND_NAME}"
    rf"|pvc://{DNS_SUBDOMAIN}{PATH}"
    rf"|oci://{IMAGE_REFERENCE}"
    rf"|s3://{DNS_SUBDOMAIN}{PATH})$"
)

Uri = Annotated[
    str,
    Explained(
        "{self} is no model source: use hf://org/name, pvc://claim/path, oci://reference or "
        "s3://bucket/path{self.matches(r'^"
        + ORGANIZATION_AND_NAME
        + "$') ? '; did you mean hf://' "
        "+ self + '?' : ''}"
    ),
    Field(
        min_length=6,
        max_length=512,
        pattern=URI_PATTERN,
        description=(
            "Where the files are: `hf://org/name` (a model hub), `pvc://claim/path` (a claim of "
            "this namespace), `oci://reference` (an image volume) or `s3://bucket/path`. Hub and "
            "S3 endpoints are set by the administrator, never in a resource."
        ),
        examples=["hf://meta-llama/Llama-3.3-70B-Instruct"],
    ),
]
Revision = Annotated[
    str,
    Explained(
        "{self} is no revision: name a branch, tag or commit, of letters, digits, '.', '_', '/' "
        "and '-', with a letter or digit first"
    ),
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        description=(
            "Branch, tag or commit of an `hf://` repository; absent means `main`. It is resolved "
            "to a commit once and stays pinned until a field that shapes pods or the annotation "
            "`tandem.dev/refresh` changes."
        ),
        examples=["6f6073b423013f6a7d4d9f39144961bfbfbc386b"],
    ),
]

REVISION_RULE = Rule(
    "!has(self.revision) || self.uri.startsWith('hf://')",
    "revision {self.revision} belongs to hf:// sources only: remove it, or name the "
    "version in the uri itself (a folder of the claim or bucket, an image digest)",
    ".revision",
)


class TokenizerSource(SpecModel):
    """A repository, and one of its revisions, that holds a tokenizer or names a target."""

    uri: Uri
    revision: Revision | None = None

    rules: ClassVar[tuple[Rule, ...]] = (REVISION_RULE,)


class ModelSource(SpecModel):
    """A model: weights, configuration and, usually, its tokenizer."""

    uri: Uri
    revision: Revision | None = None
    secret_name: Annotated[
        str | None,
        Explained(
            "{self} is no name of a Secret: use lower-case letters, digits, '-' and '.', with a "
            "letter or digit at both ends"
        ),
        Field(
            max_length=253,
            pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            description=(
                "Secret of this namespace with the credentials of the source (`HF_TOKEN`, or "
                "`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and where needed "
                "`AWS_SESSION_TOKEN` and `AWS_REGION`). The kubelet mounts it into the "
                "lock Job and the fetching init container only; the operator never reads it."
            ),
            examples=["hub-token"],
        ),
    ] = None
    tokenizer: Annotated[
        TokenizerSource | None,
        Field(
            description=(
                "The tokenizer that a draft was trained with, if it is not stored with the draft's "
                "weights; it is compared, not served. A target's tokenizer must be stored "
                "with its weights."
            )
        ),
    ] = None

    rules: ClassVar[tuple[Rule, ...]] = (REVISION_RULE,)


class TargetSource(ModelSource):
    """The model that is served."""

    served_name: Annotated[
        str | None,
        Explained(
            "{self} is no name of a model: use letters, digits, '.', '_', ':', '/' and '-', with "
            "a letter or digit first"
        ),
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$",
            description="Model name in the API; absent means the name of the resource.",
            examples=["chat"],
        ),
    ] = None

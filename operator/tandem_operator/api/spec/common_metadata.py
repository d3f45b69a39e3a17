"""Labels and annotations of everything that is made for a resource."""

from typing import Annotated, ClassVar

from pydantic import Field

from tandem_operator.api.fields import Rule, SpecModel

MOST = 32
LabelValue = Annotated[
    str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
]
AnnotationValue = Annotated[str, Field(max_length=1024)]


class CommonMetadata(SpecModel):
    """Metadata of every child and of lock pods; engine pods have that of `template` instead."""

    labels: Annotated[
        dict[str, LabelValue],
        Field(
            max_length=MOST,
            description=(
                "Labels of every child and of lock pods. Refused: `tandem.dev/*` and "
                "`app.kubernetes.io/{name,instance,managed-by}`."
            ),
            examples=[{"team": "ml"}],
        ),
    ] = Field(default_factory=dict)
    annotations: Annotated[
        dict[str, AnnotationValue],
        Field(
            max_length=MOST,
            description="Annotations of every child and of lock pods. Refused: `tandem.dev/*`.",
            examples=[{"example.com/cost-center": "1234"}],
        ),
    ] = Field(default_factory=dict)

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.labels) || self.labels.all(key, !key.startsWith('tandem.dev/') && !(key in "
            "['app.kubernetes.io/name', 'app.kubernetes.io/instance', "
            "'app.kubernetes.io/managed-by']))",
            "the operator sets the labels tandem.dev/* and "
            "app.kubernetes.io/{name,instance,managed-by} itself: remove them",
            ".labels",
        ),
        Rule(
            "!has(self.annotations) || self.annotations.all(key, !key.startsWith('tandem.dev/'))",
            "the operator sets the annotations tandem.dev/* itself: remove them",
            ".annotations",
        ),
    )

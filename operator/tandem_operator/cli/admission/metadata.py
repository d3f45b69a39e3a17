"""What the API server demands of any object's metadata, as far as a manifest may set it.

A CRD does not describe these fields. The forms are those of the Kubernetes API conventions: names
of labels and annotations are qualified names, values of labels are short, both are text.
"""

from typing import Any

Schema = dict[str, Any]

SENTENCE = "x-tandem-sentence"
"""Keyword for what is said of a value that breaks a pattern."""

DNS_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
LABEL_TEXT = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
KEY: Schema = {
    "type": "string",
    "maxLength": 253 + 1 + 63,
    "pattern": rf"^({DNS_SUBDOMAIN}/)?{LABEL_TEXT}$",
    SENTENCE: "use letters, digits, '-', '_' and '.', at most 63, after a domain and '/' if any",
}
LABEL: Schema = {
    "type": "string",
    "pattern": rf"^({LABEL_TEXT})?$",
    SENTENCE: "a label holds letters, digits, '-', '_' and '.', at most 63",
}

OBJECT_META: Schema = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "generateName": {"type": "string"},
        "namespace": {
            "type": "string",
            "maxLength": 63,
            "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$",
            SENTENCE: "a namespace holds lower-case letters, digits and '-'",
        },
        "labels": {"type": "object", "propertyNames": KEY, "additionalProperties": LABEL},
        "annotations": {
            "type": "object",
            "propertyNames": KEY,
            "additionalProperties": {"type": "string"},
        },
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
        "managedFields": {"type": "array", "items": {"type": "object"}},
        "uid": {"type": "string"},
        "resourceVersion": {"type": "string"},
        "generation": {"type": "integer"},
        "creationTimestamp": {"type": "string"},
        "deletionTimestamp": {"type": "string"},
        "deletionGracePeriodSeconds": {"type": "integer"},
        "selfLink": {"type": "string"},
    },
}

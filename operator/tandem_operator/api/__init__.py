"""The resource SpeculativeDeployment (tandem.dev/v1alpha1): its shape, defaults, names, conditions.

Everything here is pure. Every other room may import it; it imports none of them. The CRD and the
resource page are generated from the models in `spec/` and `status/`, so a field exists in one
place only.
"""

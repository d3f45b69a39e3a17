"""Engine profiles that come with a release, each with its source (`docs/profile.schema.json`)."""

"""The plugin's version, as its metadata and `tandem:info` say it."""

PLUGIN_VERSION = "0.1.0"

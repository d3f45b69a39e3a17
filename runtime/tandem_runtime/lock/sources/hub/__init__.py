"""Models on a Hugging Face hub: looked at by headers, fetched whole, and what a hub refuses."""

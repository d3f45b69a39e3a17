"""Models on a Hugging Face hub: inspected by headers, fetched whole, and what a hub refuses."""

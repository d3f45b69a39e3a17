"""Models in an S3 bucket: inspected by headers, fetched whole, and what a store refuses."""

"""Models in an S3 bucket: looked at by headers, fetched whole, and what a store refuses."""

"""The sandbox's endpoints, one module for each service of the platform."""

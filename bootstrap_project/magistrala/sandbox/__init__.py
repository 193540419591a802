"""An in-memory Magistrala over HTTP, for tests, demonstrations and development; the product never imports it."""

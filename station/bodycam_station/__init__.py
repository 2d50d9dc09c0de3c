"""The municipality's side: keys, the reader, import and hand-over, evidence desk."""

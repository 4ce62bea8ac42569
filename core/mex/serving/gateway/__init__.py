"""The reference gateway: a model behind HTTP and a defense, for many clients and several workers."""

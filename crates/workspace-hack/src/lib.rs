//! No code: this package exists for its dependencies, see its manifest.

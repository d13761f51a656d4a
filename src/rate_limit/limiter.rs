//! Policies over one store: the plain interface below the layer.

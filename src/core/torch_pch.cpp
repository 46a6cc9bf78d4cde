// Holds nothing: this file exists to build the precompiled header once.
#include "core/torch_pch.h"

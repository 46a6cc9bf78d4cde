// The autoencoder's halves as components of `model run`.
#pragma once

#include "models/component.h"

namespace reasonbrain::models::vae {

Component encode_component();  // vae-encode
Component decode_component();  // vae-decode

}  // namespace reasonbrain::models::vae

// Two-level patterns: materials of objects and tags on tiles.
//
// A pattern repeats every 8 units and its phase is fixed to the canvas, never to the object. Its
// levels average to zero, so the mean colour says nothing about it, and no feature is thinner than
// 2 units.
#pragma once

namespace reasonbrain::miniworld {

enum class Texture {
  kPlain,
  kWood,
  kStone,
  kMetal,
  kStraw,
  kBrick,
  kHot,
  kMild,
  kCold,
  kOpen,
  kShut
};
inline constexpr int kNumTextures = 11;

// The word that texts and labels use ("wax" for kPlain).
const char* texture_name(Texture texture);

// Levels to add to every channel at unit cell (x, y) of the canvas.
int texture_level(Texture texture, int x, int y);

}  // namespace reasonbrain::miniworld

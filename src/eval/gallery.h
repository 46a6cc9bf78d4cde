// A page that shows every sample: source, what each method made of it, target, verdict.
#pragma once

#include <string>

#include "eval/results.h"

namespace reasonbrain::eval {

// One HTML file without external requests. It shows the pictures that evaluate() wrote beside it.
// `tables` is HTML to stand above the samples.
std::string gallery_html(const Results& results, const std::string& tables);

}  // namespace reasonbrain::eval

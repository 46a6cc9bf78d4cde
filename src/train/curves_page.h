// curves.html: the course of a run as one self-contained page, readable without a script.
#pragma once

#include <string>

#include "train/metrics_log.h"

namespace reasonbrain::train {

std::string curves_page(const std::string& title, const MetricsLog& log);

}  // namespace reasonbrain::train

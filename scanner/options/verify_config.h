// What `echoscan verify` is to check, and in which form it says what it has found.
//
// It has few options on purpose: a bundle is whole or it is not, and whoever gets one from somebody
// else should not have to know how it was made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scanner/options/option_group.h"

namespace echoscan {

struct VerifyConfig {
  std::string folder;
  bool as_json = false;
  Verbosity verbosity = Verbosity::normal;
};

// Parses the arguments behind `echoscan verify`. nullopt when they asked for help, which is then
// printed. Throws UserError.
std::optional<VerifyConfig> parse_verify_config(const std::vector<std::string>& arguments);

}  // namespace echoscan

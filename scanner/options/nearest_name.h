// The known name that a wrong one was probably meant to be: `--rte` was `--rate`.
//
// Nearness is the number of letters that are wrong, missing, too many or swapped (optimal string
// alignment, Damerau 1964), a third of the word at most; or the shortest name that begins so.
// More than that is a guess, and a wrong hint is worse than none. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

// nullopt when none is near.
std::optional<std::string> nearest_name(std::string_view word,
                                        const std::vector<std::string>& names);

// "; did you mean '--rate'?", or nothing: the end of a sentence.
std::string nearest_name_hint(std::string_view word, const std::vector<std::string>& names);

}  // namespace echoscan

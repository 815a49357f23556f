#include "scanner/options/nearest_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace echoscan {
namespace {

std::size_t distance_of(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) steps[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) steps[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1,
                              steps[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

// Dashes are no letters.
std::string_view letters_of(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  return name;
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view word,
                                        const std::vector<std::string>& names) {
  constexpr std::size_t kWordBytesMax = 64;  // nobody's slip of the hand is longer
  const std::string_view letters = letters_of(word);
  if (letters.size() < 2 || letters.size() > kWordBytesMax) return std::nullopt;
  const std::string* nearest = nullptr;
  std::size_t nearest_distance = std::max<std::size_t>(1, letters.size() / 3) + 1;
  const std::string* longer = nullptr;  // the shortest that begins so
  for (const std::string& name : names) {
    const std::string_view known = letters_of(name);
    if (known.size() < 2) continue;
    if (known.starts_with(letters) && (longer == nullptr || name.size() < longer->size()))
      longer = &name;
    const std::size_t distance = distance_of(letters, known);
    if (distance >= nearest_distance) continue;
    nearest_distance = distance;
    nearest = &name;
  }
  if (longer != nullptr) return *longer;
  return nearest != nullptr ? std::optional(*nearest) : std::nullopt;
}

std::string nearest_name_hint(std::string_view word, const std::vector<std::string>& names) {
  const std::optional<std::string> nearest = nearest_name(word, names);
  return nearest ? fmt::format("; did you mean '{}'?", *nearest) : "";
}

}  // namespace echoscan

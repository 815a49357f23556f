#include "scanner/network/dpdk_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>

#include "scanner/network/pci_card.h"

namespace echoscan {
namespace {

// They print and exit, or share what belongs to another process.
constexpr std::array<std::string_view, 7> kRefused = {
    "-h", "--help", "-v", "--version", "--log-level=help", "--proc-type", "--"};

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

// The value of an option in `words`, as "--name=value", "--name value" or "-nvalue".
std::vector<std::string> values_of(std::span<const std::string> words, std::string_view name) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == name) {
      values.emplace_back(i + 1 < words.size() ? words[i + 1] : "");
    } else if (word.starts_with(name) && name.starts_with("--")) {
      if (word[name.size()] == '=') values.emplace_back(word.substr(name.size() + 1));
    } else if (word.starts_with(name)) {
      values.emplace_back(word.substr(name.size()));
    }
  }
  return values;
}

bool has_any(std::span<const std::string> words, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(
      names, [words](std::string_view name) { return !values_of(words, name).empty(); });
}

// "net_null0" of "net_null0,size=60".
std::string_view device_name(std::string_view value) {
  return value.substr(0, value.find(','));
}

bool names_device(std::span<const std::string> words,
                  std::initializer_list<std::string_view> options, const std::string& device) {
  for (const std::string_view option : options)
    for (const std::string& value : values_of(words, option))
      if (device_name(value) == device) return true;
  return false;
}

std::string cpu_list(std::span<const int> cpus) {
  return fmt::format("{}", fmt::join(cpus, ","));
}

// Ordinary pages exclude --in-memory, and 64 MB of them are too few.
void add_ordinary_pages(std::vector<std::string>& arguments, std::span<const std::string> extra,
                        unsigned queues) {
  if (!has_any(extra, {"--no-huge"})) arguments.emplace_back("--no-huge");
  if (!has_any(extra, {"--no-shconf"})) arguments.emplace_back("--no-shconf");
  if (!has_any(extra, {"-m", "--socket-mem"}))
    arguments.push_back(fmt::format("-m{}", dpdk_memory_bytes(queues) >> 20));
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> make_dpdk_arguments(
    const std::string& device, const std::string& extra, const DpdkSurroundings& surroundings) {
  if (std::optional<std::string> reason = why_refused(extra))
    return tl::make_unexpected(std::move(*reason));
  const std::vector<std::string> added = split(extra);
  const bool is_card = parse_pci_address(device).has_value();
  if (!is_card && !names_device(added, {"--vdev"}, device))
    return tl::make_unexpected(
        fmt::format("-i {}: that is no PCI address (`lspci -D` prints them), nor does --dpdk-args "
                    "make such a device: --vdev={},...",
                    device, device));
  std::vector<std::string> arguments = {"echoscan", "--no-telemetry"};
  if (!has_any(added, {"--lcores", "-l", "-c"}))
    arguments.push_back(fmt::format("--lcores=0@({})", cpu_list(surroundings.cpus)));
  const bool is_hugeless = surroundings.free_huge_page_bytes == 0 && !surroundings.needs_huge_pages;
  if (has_any(added, {"--no-huge"}) || (is_hugeless && !has_any(added, {"--in-memory"}))) {
    add_ordinary_pages(arguments, added, surroundings.queues);
  } else if (!has_any(added, {"--in-memory", "--legacy-mem", "--no-shconf", "--huge-dir"})) {
    arguments.emplace_back("--in-memory");
  }
  if (is_card) {
    if (!names_device(added, {"-a", "--allow"}, device)) arguments.push_back("-a" + device);
  } else if (!has_any(added, {"-a", "--allow", "--no-pci"})) {
    arguments.emplace_back("--no-pci");
  }
  arguments.insert(arguments.end(), added.begin(), added.end());
  return arguments;
}

std::optional<std::string> why_refused(const std::string& extra) {
  for (const std::string& word : split(extra))
    for (const std::string_view refused : kRefused)
      if (word == refused || (refused.size() > 2 && word.starts_with(refused)))
        return fmt::format("--dpdk-args: '{}' is not for a program that has its own", word);
  return std::nullopt;
}

bool is_kernel_name(const std::string& name, const std::string& extra) {
  return !name.empty() && name.find_first_of(":/") == std::string::npos &&
         !parse_pci_address(name) && !names_device(split(extra), {"--vdev"}, name);
}

std::optional<std::string> device_over(const std::string& interface, const std::string& extra) {
  const std::string over = ",iface=" + interface + ",";
  for (const std::string& value : values_of(split(extra), "--vdev"))
    if ((value + ",").find(over) != std::string::npos) return std::string(device_name(value));
  return std::nullopt;
}

bool is_without_huge_pages(std::span<const std::string> arguments) {
  return has_any(arguments, {"--no-huge"});
}

}  // namespace echoscan

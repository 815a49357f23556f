#include "scanner/command/card_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "scanner/network/dpdk_arguments.h"
#include "scanner/network/dpdk_port.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

namespace fs = std::filesystem;

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{} MB", bytes >> 20);
}

// The driver that would hand it over: with an IOMMU it reaches the process's memory alone.
std::string_view user_space_driver(const PciCard& card) {
  return card.iommu_group.empty() ? "uio_pci_generic" : "vfio-pci";
}

std::string hand_over(const PciCard& card) {
  const std::string folder = "/sys/bus/pci/devices/" + card.address;
  std::string commands = fmt::format("modprobe {}", user_space_driver(card));
  for (const std::string& name : card.interfaces)
    commands += fmt::format("; ip link set {} down", name);
  if (!card.driver.empty())
    commands += fmt::format("; echo {} >{}/driver/unbind", card.address, folder);
  commands += fmt::format("; echo {} >{}/driver_override; echo {} >/sys/bus/pci/drivers_probe",
                          user_space_driver(card), folder, card.address);
  return commands;
}

std::string give_back(const PciCard& card) {
  return fmt::format(
      "echo >/sys/bus/pci/devices/{0}/driver_override; echo {0} "
      ">/sys/bus/pci/devices/{0}/driver/unbind; echo {0} >/sys/bus/pci/drivers_probe",
      card.address);
}

std::string driver_text(const PciCard& card) {
  if (card.driver.empty()) return "none";
  if (card.is_for_user_space()) return card.driver + ": it is handed over";
  return fmt::format("{}, the kernel's: {}", card.driver,
                     card.interfaces.empty() ? "no interface"
                                             : fmt::format("{}", fmt::join(card.interfaces, ", ")));
}

std::string iommu_text(const CardDiagnosis& facts) {
  if (!facts.card->iommu_group.empty()) return "group " + facts.card->iommu_group;
  return facts.has_iommu ? "not for this card" : "none";
}

void judge_holder(const CardDiagnosis& facts, const PciCard& card, std::vector<Problem>& problems) {
  if (!card.is_network_card)
    problems.push_back({fmt::format("{} ({}) is no network card.", card.address, card.device),
                        "lspci -D lists them", true});
  if (card.is_for_user_space() || card.is_shared() || !card.is_network_card) return;
  const std::string in_use =
      facts.interfaces_up.empty()
          ? ""
          : fmt::format(" Whatever uses {} loses it: be sure that you do not come by it.",
                        fmt::join(facts.interfaces_up, ", "));
  problems.push_back(
      {fmt::format("{} is held by {}.{}", card.address,
                   card.driver.empty() ? "no driver" : "the kernel's " + card.driver, in_use),
       hand_over(card), true});
}

void judge_memory(const CardDiagnosis& facts, const PciCard& card, std::vector<Problem>& problems) {
  const bool are_needed =
      card.needs_huge_pages() ||
      (card.driver != "vfio-pci" && card.iommu_group.empty() && !card.is_shared());
  if (facts.free_huge_page_bytes >= facts.needed_bytes) return;
  problems.push_back(
      {fmt::format("{} of huge pages are free, and {} are {}.",
                   megabytes(facts.free_huge_page_bytes), megabytes(facts.needed_bytes),
                   are_needed ? "needed" : "used where they are; ordinary ones are slower"),
       fmt::format("sysctl vm.nr_hugepages={}", facts.needed_bytes >> 21), are_needed});
}

}  // namespace

bool is_about_card(const PathConfig& config) {
  return config.method == Method::dpdk || parse_pci_address(config.interface_name).has_value();
}

CardDiagnosis diagnose_card(const PathConfig& config) {
  CardDiagnosis facts;
  facts.device = config.interface_name;
  const std::optional<std::string> address = parse_pci_address(config.interface_name);
  facts.card = address ? find_pci_card(*address) : find_card_of(config.interface_name);
  facts.is_made_up = !address && !facts.card &&
                     (!is_kernel_name(config.interface_name, config.dpdk_args) ||
                      device_over(config.interface_name, config.dpdk_args));
  if (facts.card)
    for (const std::string& name : facts.card->interfaces) try {
        if (find_interface(name).is_up) facts.interfaces_up.push_back(name);
      } catch (const UserError&) {
        // It is in another network namespace, and in use there.
        facts.interfaces_up.push_back(name);
      }
  std::error_code error;
  facts.has_iommu = !fs::is_empty("/sys/class/iommu", error) && !error;
  facts.free_huge_page_bytes = free_huge_page_bytes();
  facts.needed_bytes = dpdk_memory_bytes(std::max(1U, config.queues));
  try {
    facts.module_version = DpdkPort::dpdk_release();
  } catch (const UserError& refusal) {
    facts.module_refusal = refusal.what();
  }
  return facts;
}

std::vector<Problem> find_card_problems(const CardDiagnosis& facts) {
  std::vector<Problem> problems;
  if (facts.module_version.empty())
    problems.push_back(
        {fmt::format("{}.", facts.module_refusal), "docs/dpdk.md names the packages", true});
  if (facts.is_made_up) return problems;
  if (!facts.card) {
    problems.push_back({fmt::format("{} is no PCI device, nor an interface of one.", facts.device),
                        "lspci -D lists them; a device that DPDK makes up is made by --dpdk-args",
                        true});
    return problems;
  }
  judge_holder(facts, *facts.card, problems);
  judge_memory(facts, *facts.card, problems);
  if (facts.card->needs_huge_pages() || facts.card->iommu_group.empty())
    problems.push_back({fmt::format("Without an IOMMU {} reaches all of the machine's memory.",
                                    facts.card->address),
                        "switch it on in the firmware, and intel_iommu=on for the kernel", false});
  return problems;
}

std::string card_text(const CardDiagnosis& facts, const std::vector<Problem>& problems) {
  std::string text = fmt::format("echoscan {}\n", ECHOSCAN_VERSION);
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<14}{}\n", name, value);
  };
  line("module", facts.module_version.empty() ? "none" : facts.module_version);
  line("huge pages", megabytes(facts.free_huge_page_bytes) + " free");
  line("card", facts.is_made_up ? facts.device + ", which DPDK makes up" : facts.device);
  if (facts.card) {
    line("device", facts.card->device);
    line("driver", driver_text(*facts.card));
    line("IOMMU", iommu_text(facts));
    if (facts.card->is_for_user_space()) line("give back", give_back(*facts.card));
  }
  text += problems.empty() ? "no problems\n" : "problems\n";
  for (const Problem& problem : problems)
    text += fmt::format("  {}{}\n    fix: {}\n", problem.is_fatal ? "fatal: " : "", problem.what,
                        problem.fix);
  return text;
}

std::string card_json(const CardDiagnosis& facts, const std::vector<Problem>& problems) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  Json list = Json::array();
  for (const Problem& problem : problems)
    list.push_back({{"what", problem.what}, {"fix", problem.fix}, {"fatal", problem.is_fatal}});
  Json card = nullptr;
  if (facts.card)
    card = {{"device", facts.card->device},
            {"driver", or_null(facts.card->driver)},
            {"for_user_space", facts.card->is_for_user_space()},
            {"interfaces", facts.card->interfaces},
            {"interfaces_up", facts.interfaces_up},
            {"iommu_group", or_null(facts.card->iommu_group)}};
  const Json json = {{"type", "doctor"},
                     {"version", ECHOSCAN_VERSION},
                     {"address", facts.device},
                     {"card", card},
                     {"dpdk", or_null(facts.module_version)},
                     {"huge_page_bytes_free", facts.free_huge_page_bytes},
                     {"huge_page_bytes_needed", facts.needed_bytes},
                     {"problems", list}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace echoscan

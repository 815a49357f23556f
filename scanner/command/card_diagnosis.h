// What `echoscan doctor -i 0000:01:00.0` finds out: who holds a card, and how to hand it to DPDK.
//
// It looks and changes nothing, since whoever unbinds the wrong card loses the machine's network:
// the commands are printed, those that hand it over and those that give it back. DPDK is not
// started, only the module opened that would do so. As in diagnosis.h facts are kept apart from
// judgement, so that a test can judge cards that nobody here owns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scanner/command/diagnosis.h"
#include "scanner/network/pci_card.h"
#include "scanner/options/path_config.h"

namespace echoscan {

struct CardDiagnosis {
  std::string device;           // as -i has it
  std::optional<PciCard> card;  // none: there is no such card, or DPDK makes the device up
  bool is_made_up = false;      // by --dpdk-args
  std::vector<std::string> interfaces_up;  // of the card's, those that are in use
  bool has_iommu = false;                  // on this machine
  std::uint64_t free_huge_page_bytes = 0;
  std::uint64_t needed_bytes = 0;  // of memory, for the queues asked for
  std::string module_version;      // DPDK's; empty: the module cannot be opened
  std::string module_refusal;      // then why, a sentence
};

// Whether that is a question about a card of DPDK's.
bool is_about_card(const PathConfig& config);

CardDiagnosis diagnose_card(const PathConfig& config);
std::vector<Problem> find_card_problems(const CardDiagnosis& facts);

std::string card_text(const CardDiagnosis& facts, const std::vector<Problem>& problems);
std::string card_json(const CardDiagnosis& facts, const std::vector<Problem>& problems);

}  // namespace echoscan

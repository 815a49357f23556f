// card_diagnosis: what the doctor says of cards that nobody here owns, with the commands that hand
// them over.
#include "scanner/command/card_diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace echoscan::card_diagnosis_test {
namespace {

constexpr const char* kAddress = "0000:01:00.0";

// A card as a server has it: the kernel's, in use, behind an IOMMU, and memory set aside.
CardDiagnosis a_card() {
  CardDiagnosis facts;
  facts.device = kAddress;
  facts.card = PciCard{kAddress, "i40e", "8086:1572", "17", {"eth3"}, true};
  facts.interfaces_up = {"eth3"};
  facts.has_iommu = true;
  facts.free_huge_page_bytes = std::uint64_t{1} << 30;
  facts.needed_bytes = std::uint64_t{96} << 20;
  facts.module_version = "DPDK 22.11.11";
  return facts;
}

std::string fatal_of(const CardDiagnosis& facts) {
  std::string text;
  for (const Problem& problem : find_card_problems(facts))
    if (problem.is_fatal) text += problem.what + " fix: " + problem.fix + "\n";
  return text;
}

TEST(CardDiagnosis, TheKernelsCardIsHandedOverByVfio) {
  const std::string fatal = fatal_of(a_card());
  EXPECT_EQ(fatal,
            "0000:01:00.0 is held by the kernel's i40e. Whatever uses eth3 loses it: be sure that "
            "you do not come by it. fix: modprobe vfio-pci; ip link set eth3 down; echo "
            "0000:01:00.0 >/sys/bus/pci/devices/0000:01:00.0/driver/unbind; echo vfio-pci "
            ">/sys/bus/pci/devices/0000:01:00.0/driver_override; echo 0000:01:00.0 "
            ">/sys/bus/pci/drivers_probe\n");
}

TEST(CardDiagnosis, OneThatIsHandedOverHasNoProblem) {
  CardDiagnosis facts = a_card();
  facts.card->driver = "vfio-pci";
  facts.card->interfaces.clear();
  facts.interfaces_up.clear();
  EXPECT_TRUE(find_card_problems(facts).empty());
  const std::string text = card_text(facts, {});
  EXPECT_NE(text.find("vfio-pci: it is handed over"), std::string::npos) << text;
  EXPECT_NE(text.find("give back     echo >/sys/bus/pci/devices/0000:01:00.0/driver_override"),
            std::string::npos)
      << text;
  // Without huge pages it works, and slower.
  facts.free_huge_page_bytes = 0;
  EXPECT_EQ(fatal_of(facts), "");
  EXPECT_EQ(find_card_problems(facts).size(), 1U);
}

TEST(CardDiagnosis, WithoutAnIommuItIsUioAndHugePages) {
  CardDiagnosis facts = a_card();
  facts.card->iommu_group.clear();
  EXPECT_NE(fatal_of(facts).find("modprobe uio_pci_generic"), std::string::npos);
  facts.card->driver = "uio_pci_generic";
  EXPECT_EQ(fatal_of(facts), "");
  facts.free_huge_page_bytes = std::uint64_t{2} << 20;
  EXPECT_EQ(fatal_of(facts),
            "2 MB of huge pages are free, and 96 MB are needed. fix: sysctl vm.nr_hugepages=48\n");
}

TEST(CardDiagnosis, SomeCardsTheKernelKeeps) {
  CardDiagnosis facts = a_card();
  facts.card->device = "15b3:1017";
  facts.card->driver = "mlx5_core";
  EXPECT_EQ(fatal_of(facts), "");
}

TEST(CardDiagnosis, WhatIsMissingIsNamed) {
  CardDiagnosis facts = a_card();
  facts.module_version.clear();
  facts.module_refusal = "the module is not there";
  EXPECT_NE(fatal_of(facts).find("the module is not there"), std::string::npos);
  facts = a_card();
  facts.card.reset();
  EXPECT_NE(fatal_of(facts).find("0000:01:00.0 is no PCI device, nor an interface of one."),
            std::string::npos);
  facts = a_card();
  facts.card->is_network_card = false;
  EXPECT_NE(fatal_of(facts).find("is no network card"), std::string::npos);
  EXPECT_EQ(fatal_of(facts).find("modprobe"), std::string::npos);
  facts.is_made_up = true;
  EXPECT_TRUE(find_card_problems(facts).empty());
}

TEST(CardDiagnosis, JsonHasTheSame) {
  const CardDiagnosis facts = a_card();
  const auto json = nlohmann::json::parse(card_json(facts, find_card_problems(facts)));
  EXPECT_EQ(json["card"]["driver"], "i40e");
  EXPECT_EQ(json["card"]["iommu_group"], "17");
  EXPECT_EQ(json["card"]["interfaces_up"], nlohmann::json({"eth3"}));
  EXPECT_EQ(json["problems"].size(), 1U);
  EXPECT_EQ(json["problems"][0]["fatal"], true);
  EXPECT_EQ(json["huge_page_bytes_needed"], 96 << 20);
}

TEST(CardDiagnosis, APciAddressOrTheMethodAsksForIt) {
  PathConfig config;
  EXPECT_FALSE(is_about_card(config));
  config.interface_name = "eth0";
  EXPECT_FALSE(is_about_card(config));
  config.interface_name = "01:00.0";
  EXPECT_TRUE(is_about_card(config));
  config.interface_name = "net_null0";
  config.method = Method::dpdk;
  EXPECT_TRUE(is_about_card(config));
  EXPECT_FALSE(diagnose_card(config).is_made_up) << "nothing says that DPDK makes it";
  config.dpdk_args = "--vdev=net_null0";
  EXPECT_TRUE(diagnose_card(config).is_made_up);
  config.interface_name = "lo";
  config.dpdk_args = "--vdev=net_af_xdp0,iface=lo";
  EXPECT_TRUE(diagnose_card(config).is_made_up);
}

}  // namespace
}  // namespace echoscan::card_diagnosis_test

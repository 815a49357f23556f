// Frames that may arrive, and what each must be taken for: one table, run through both compilations
// of match_reply.h (user space in bpf_test, the XDP program in reply_filter_test).
//
// Hostile rows come first: what is short, torn, contradictory or forged. A row is built from words
// (vlan, options, payload) and not from bytes, so that it says what it is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpf/match_reply.h"

namespace echoscan {

struct ReplyCase {
  std::string what;
  std::vector<std::uint8_t> frame;
  frame_outcome outcome;
  reply expected{};  // for results: all but received_ns
};

// What the table's replies were asked with.
match_config case_config();
inline constexpr std::uint64_t kCaseSentNs = 0x0102030405060708;

std::vector<ReplyCase> reply_cases();

// The file of tests/corpus/match_reply_fuzz that holds the row's frame.
std::string corpus_name(const ReplyCase& row);

}  // namespace echoscan

// What messages say of missing privileges, and of what refuses in spite of them.
#include <gtest/gtest.h>

#include <string>

#include "scanner/process/privileges.h"

namespace echoscan::privileges_test {
namespace {

TEST(Privileges, NameWhatLacksOrWhatElseRefuses) {
  const Privileges net_raw_alone{.net_raw = true};
  EXPECT_EQ(explain_refused_bpf(net_raw_alone),
            "BPF is not permitted (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)");
  EXPECT_EQ(explain_refused_bpf({.net_raw = true, .net_admin = true, .bpf = true}),
            "BPF is not permitted (CAP_PERFMON)");
  Privileges all{.net_raw = true, .net_admin = true, .bpf = true, .perfmon = true};
  EXPECT_NE(explain_refused_bpf(all).find("seccomp"), std::string::npos);
  all.is_user_namespace = true;
  EXPECT_NE(explain_refused_bpf(all).find("user namespace"), std::string::npos);

  EXPECT_NE(explain_refused_socket({}).find("--cap-add NET_RAW, or for AF_XDP"), std::string::npos);
  EXPECT_NE(explain_refused_socket(all).find("user namespace"), std::string::npos);
  EXPECT_NE(explain_refused_socket(net_raw_alone).find("seccomp"), std::string::npos);
}

}  // namespace
}  // namespace echoscan::privileges_test

// Who the scan is for: the user that root becomes once nothing needs root any more, and whose files
// the results are.
//
// Under sudo that is who has called it (SUDO_UID), else whoever --user names. Files are opened as
// that user from the beginning (ActingAs), so that a link which somebody has planted in a folder of
// theirs leads to nothing that they could not reach themselves, and no file has to be given away
// afterwards. Rejected: to open as root and chown(2), which has been turned against root wherever
// it was done by name.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace echoscan {

struct ScanUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // beside gid
  std::string name;           // or the number where nobody knows the name
};

// Who --user names, by name or number; root too. Throws UserError: nobody is called so, or this
// process is not root and cannot become somebody else.
ScanUser find_user(const std::string& name_or_number);

// Who has called sudo; nullopt: nobody, or root, or this process is not root.
std::optional<ScanUser> sudo_user(const std::function<const char*(const char*)>& environment);

// As long as it lives this process acts as `user`, in all threads, and makes files that nobody else
// may write to. Privileges are out of force and not lost. Throws std::system_error.
class ActingAs {
 public:
  explicit ActingAs(const ScanUser& user);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  void put_back() const;

  std::vector<gid_t> groups_before_;
  gid_t gid_before_;
  uid_t uid_before_;
};

// The first of the folders in which whom the process acts as may not make files; nullopt: in all.
std::optional<std::string> find_forbidden(std::span<const std::string> folders);

// Makes this process the user's, in all threads and for good. Throws std::system_error.
void become(const ScanUser& user);

}  // namespace echoscan

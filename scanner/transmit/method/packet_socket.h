// The packet socket that frames leave by: bound to one interface, past its queueing discipline.
//
// All AF_PACKET methods share it. Bypassing the discipline saves a lock, and tells the truth about
// a frame that the driver drops, or that finds the link down: sending it is an error (ENOBUFS), and
// it does not vanish in a queue. Needs CAP_NET_RAW and nothing else.
#pragma once

#include "scanner/network/interface.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

// A socket that sends frames on `interface` and receives nothing. Throws std::system_error.
FileDescriptor open_packet_socket(const Interface& interface);
// Makes a packet socket, whoever opened it, bypass the discipline. Throws std::system_error.
void bypass_queueing_discipline(int socket);

}  // namespace echoscan

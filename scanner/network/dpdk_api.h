/*
 * What the program and the module libechoscan_dpdk.so say to each other, in C.
 *
 * The program has no DPDK in it: its libraries would be needed by everybody, and their headers
 * bring a newer instruction set along. So all that knows rte_ headers is a module, opened at run
 * time, that exports one function; probes are written and replies are matched in the program, by
 * the code of the other methods. Calls are per batch, so that the indirection costs a probe
 * nothing. Rejected: C++ across the border, where a class's layout would have to agree; the module
 * as a whole transmitter, which would compile frames and matcher twice.
 */
#ifndef ECHOSCAN_NETWORK_DPDK_API_H
#define ECHOSCAN_NETWORK_DPDK_API_H

#include <stddef.h>
#include <stdint.h>

#define DPDK_API_ENTRY "echoscan_dpdk_api"

enum {
  /* Grows with each change below. */
  DPDK_API_VERSION = 1,
  /* The most frames of one call. */
  DPDK_BATCH_MAX = 64,
  DPDK_NAME_BYTES = 64,
};

/* A line of DPDK's log, without its end. */
struct dpdk_log {
  void (*write)(void* context, const char* line, size_t bytes);
  void* context;
};

struct dpdk_port_facts {
  char name[DPDK_NAME_BYTES];   /* the PCI address, or the vdev's name */
  char driver[DPDK_NAME_BYTES]; /* DPDK's, "net_ixgbe" */
  uint8_t mac[6];
  uint16_t mtu;
  uint16_t tx_queues_max;
  uint16_t rx_queues_max;
  uint16_t port;
  uint16_t unused;
};

/* How a port is to be set up. */
struct dpdk_port_plan {
  uint16_t port;
  uint16_t tx_queues;
  uint16_t rx_queues;
  uint16_t tx_frames;   /* each queue's descriptors, as far as the driver can */
  uint16_t rx_frames;   /* likewise */
  uint16_t frame_bytes; /* of all that is sent by take_frames() */
};

/* A frame that has come, until the next call for its queue. */
struct dpdk_frame {
  const uint8_t* bytes;
  uint64_t length;
};

struct dpdk_port_counters {
  uint64_t tx_packets;
  uint64_t tx_errors;
  uint64_t rx_packets;
  uint64_t rx_errors;
  uint64_t rx_missed;    /* the card's queues were full */
  uint64_t rx_no_buffer; /* there was no memory to put them into */
};

struct dpdk_named_count {
  char name[DPDK_NAME_BYTES];
  uint64_t count;
};

/* Of functions that return an int, a negative one is a failure, and reason() says which. */
struct dpdk_api {
  uint32_t version;
  uint32_t bytes; /* of this table */

  const char* (*dpdk_release)(void);
  /* Why the last call failed, a clause. One thread. */
  const char* (*reason)(void);

  /* Set-up; one thread. DPDK starts once in a process, and changes the order of `arguments`. */
  int (*start)(int count, char** arguments, const struct dpdk_log* log);
  int (*find_port)(const char* name, struct dpdk_port_facts* facts);
  /* Starts it, too; the plan then has what the driver made of it. */
  int (*open_port)(struct dpdk_port_plan* plan);
  void (*close_port)(uint16_t port);
  /* Has `write` write each frame that take_frames() will give for that queue. */
  void (*write_frames)(uint16_t port, uint16_t queue, void (*write)(void* context, uint8_t* frame),
                       void* context);

  /* DPDK keeps memory at hand for a thread that is registered; 0 when it is now. */
  int (*register_thread)(void);
  void (*unregister_thread)(void);

  /* Sending; one thread for each queue. Gives `count` frames, or none; they keep what is written
   * into them. Of these the first `count` are then sent, as many as are returned; the others go
   * back. */
  size_t (*take_frames)(uint16_t port, uint16_t queue, uint8_t** frames, size_t count);
  size_t (*send_frames)(uint16_t port, uint16_t queue, size_t count);
  /* Sends a copy of one frame by queue 0, from any thread; 0 when it is not taken just now. */
  int (*send_copy)(uint16_t port, const uint8_t* bytes, size_t length);

  /* Receiving; one thread for each queue. Those of the call before are given back first. */
  size_t (*receive)(uint16_t port, uint16_t queue, struct dpdk_frame* frames, size_t count);

  /* Any thread. */
  int (*link_is_up)(uint16_t port);
  int (*read_counters)(uint16_t port, struct dpdk_port_counters* counters);
  /* The driver's own counters; returns how many there are, of which at most `room` are written. */
  int (*read_named_counts)(uint16_t port, struct dpdk_named_count* counts, size_t room);
};

typedef const struct dpdk_api* (*dpdk_api_entry)(void);

/* Both sides are compiled from this text, and on 64-bit machines alone. */
#ifdef __cplusplus
static_assert(sizeof(struct dpdk_port_facts) == 144, "no hidden padding");
static_assert(sizeof(struct dpdk_port_plan) == 12, "no hidden padding");
static_assert(sizeof(struct dpdk_frame) == 16, "no hidden padding");
static_assert(sizeof(struct dpdk_named_count) == 72, "no hidden padding");
static_assert(sizeof(struct dpdk_api) == 136, "a function more is a new version");
#endif

#endif

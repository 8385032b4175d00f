import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConnectionPool, type Resolve, safePost } from "../../convex/delivery/safeRequest";
import { isPublicAddress, receiverProblem } from "../../convex/kit/publicAddress";

describe("addresses", () => {
  test.each([
    ...["127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"],
    ...["169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"],
    ...["::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"],
    ...["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"],
    ...["2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1", "", "nonsense"],
  ])("%s is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"])(
    "%s is",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each([
    ...["http://example.com/", "ftp://example.com/", "example.com", "https://a:b@example.com/"],
    ...["https://localhost/", "https://localhost./", "https://x.localhost/", "https://intranet/"],
    ...["https://db.internal/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/"],
    ...[
      "https://017700000001/",
      "https://[::1]/",
      "https://[::ffff:10.0.0.1]/",
      "https://example.com:22/",
    ],
    ...[
      `https://${"a".repeat(64)}.com/`,
      `https://${"a.".repeat(126)}com/`,
      "https://a..example.com/",
    ],
    `https://${"ü".repeat(60)}.com/`,
    ...["https://example.com/#x", "https://169.254.169.254/latest/meta-data"],
  ])("%s is refused as a receiver", (url) => {
    expect(receiverProblem(url, false)).toBeTypeOf("string");
  });

  test.each([
    ...["https://example.com/hook?x=1", "https://example.com:8443/", "https://1.1.1.1/"],
    ...[
      "https://example.com./",
      `https://${"a".repeat(63)}.com/`,
      `https://${"a.".repeat(125)}com/`,
    ],
  ])("%s is taken", (url) => {
    expect(receiverProblem(url, false)).toBeNull();
  });
});

describe("connections", () => {
  let server: Server;
  let port: number;
  let requests = 0;

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests += 1;
      if (request.url !== "/hang") response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const to =
    (...addresses: string[]): Resolve =>
    (_, callback) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
  const post = (resolve: Resolve, more: object = {}) =>
    safePost({
      url: `https://rebinding.example.com:${port}/`,
      headers: {},
      body: "{}",
      allowPrivate: false,
      resolve,
      ...more,
    });

  test("a name that leads to loopback, alone or among others, is not connected to", async () => {
    for (const addresses of [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"]]) {
      await expect(post(to(...addresses))).rejects.toThrow("must lead to a public address");
    }
    expect(requests).toBe(0);
  });

  test("a name that changes its mind is judged by what it is at the connection", async () => {
    let asked = 0;
    const rebinding: Resolve = (name, callback) => {
      asked += 1;
      to(asked === 1 ? "127.0.0.1" : "10.0.0.1")(name, callback);
    };
    await expect(post(rebinding)).rejects.toThrow("must lead to a public address");
    expect(asked).toBe(1);
    expect(requests).toBe(0);
  });

  test("where private addresses are allowed it is delivered, and a receiver that hangs is cut off", async () => {
    const url = `http://127.0.0.1:${port}/`;
    const answer = await post(to("127.0.0.1"), { url, allowPrivate: true });
    expect(answer).toEqual({ status: 204, retryAfter: null });
    const hanging = post(to("127.0.0.1"), {
      url: `${url}hang`,
      allowPrivate: true,
      timeoutMs: 200,
    });
    await expect(hanging).rejects.toThrow("No answer within 0.2 s.");
  });
});

test.each([false, true])(
  "no connection is tried to a name that DNS cannot have (private: %s)",
  async (allowPrivate) => {
    const asked: string[] = [];
    const url = `https://${"a.".repeat(130)}example.com/`;
    const resolve: Resolve = (hostname, callback) => {
      asked.push(hostname);
      callback(null, [{ address: "127.0.0.1", family: 4 }]);
    };
    const posted = safePost({ url, headers: {}, body: "{}", allowPrivate, resolve });
    await expect(posted).rejects.toThrow("host name of at most 253 characters");
    expect(asked).toEqual([]);
  },
);

describe("kept connections", () => {
  let server: Server;
  let url: string;
  let connections = 0;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let pool: ConnectionPool;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on("end", () => {
        answer(request, response);
      });
    });
    server.on("connection", () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    connections = 0;
    answer = (_, response) => response.writeHead(204).end();
    pool = new ConnectionPool();
  });
  afterEach(() => {
    pool.close();
  });
  const post = async (): Promise<number> =>
    (await safePost({ url, headers: {}, body: "{}", allowPrivate: true, pool })).status;

  test("requests to one receiver share a connection, one after another", async () => {
    for (let i = 0; i < 5; i++) expect(await post()).toBe(204);
    expect(connections).toBe(1);
  });

  test("one that was closed meanwhile is replaced within the same attempt, once", async () => {
    expect(await post()).toBe(204);
    let asked = 0;
    answer = (request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else response.writeHead(204).end();
    };
    expect(await post()).toBe(204);
    expect([asked, connections]).toEqual([2, 2]);
  });

  test("a new connection that is cut off is a failed attempt, and is not tried twice", async () => {
    let asked = 0;
    answer = (request) => {
      asked += 1;
      request.socket.destroy();
    };
    await expect(post()).rejects.toThrow();
    expect(asked).toBe(1);
  });

  test("an answer that has begun and is cut off is not asked for again", async () => {
    expect(await post()).toBe(204);
    let asked = 0;
    answer = (request, response) => {
      asked += 1;
      response.writeHead(200, { "content-length": "10" });
      response.write("x", () => request.socket.destroy());
    };
    await expect(post()).rejects.toThrow();
    expect(asked).toBe(1);
  });

  test("an endless answer ends with its connection", async () => {
    answer = (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(10_000), more);
      };
      more();
    };
    expect(await post()).toBe(200);
    expect(await post()).toBe(200);
    expect(connections).toBe(2);
  });
});

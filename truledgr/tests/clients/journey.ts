// What a program of yours may do: sign in with a second factor, page, create, change, recover.
//
//     PASSWORD=… node journey.ts https://ledger.example.com alice
//
// Node.js 24 and the directory truledgr-client beside this file, as `make clients` writes it. The
// code of the second factor is asked for on the terminal.

import { createInterface } from "node:readline/promises";

import { createClient, createConfig, type Client } from "./truledgr-client/client/index.ts";
import {
  authLoginPost,
  authOtpPost,
  authSessionDelete,
  itemsCreate,
  itemsList,
  itemsUpdate,
  itemsGet,
  meGet,
  type AuthAuthenticatedResponse,
  type AuthAuthenticationResponse,
  type AuthFlowError,
  type Item,
  type PatchedItemUpdateRequest,
  type Problem,
} from "./truledgr-client/index.ts";

// part "errors"
/** The server said no: branch on `problem.code`, quote `problem.request_id`. */
class RefusedError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

type Answer<T> = { data?: T; error?: Problem; response?: Response };

/** What was asked for, and its ETag; throws a RefusedError for a problem. */
async function answerOf<T>(call: Promise<Answer<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await call;
  if (error) throw new RefusedError(error);
  if (data === undefined) throw new Error("no answer");
  return { data, etag: response?.headers.get("ETag") ?? "" };
}
// end of "errors"

// part "sign-in"
type SignIn = {
  data?: AuthAuthenticatedResponse;
  error?: { status: number; errors?: AuthFlowError[] };
};

/** Sign in as an app: each request then carries the session token. */
async function signIn(baseUrl: string, username: string, password: string): Promise<Client> {
  const path = { client: "app" } as const;
  const client = createClient(createConfig({ baseUrl }));
  const login = await authLoginPost({ client, path, body: { username, password } });
  let answer: SignIn = login;
  if (login.error?.status === 401 && isPending(login.error, "otp")) {
    client.setConfig({ headers: { "X-Session-Token": login.error.meta.session_token } });
    answer = await authOtpPost({ client, path, body: { code: await ask("Code: ") } });
  }
  const token = answer.data?.meta.session_token;
  if (!token) {
    const codes = answer.error?.errors?.map((error) => error.code);
    throw new Error(codes?.join(" ") ?? "Not signed in.");
  }
  client.setConfig({ headers: { "X-Session-Token": token } });
  return client;
}

/** Whether the sign-in waits for this step. */
function isPending(answer: AuthAuthenticationResponse, step: string): boolean {
  return answer.data.flows.some((flow) => flow.id === step && flow.is_pending);
}
// end of "sign-in"

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question);
  terminal.close();
  return answer;
}

// part "paging"
/** Every item that the caller may see, a page at a time. */
async function* allItems(client: Client): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const { data: page } = await answerOf(itemsList({ client, query: { cursor, page_size: 3 } }));
    yield* page.results;
    cursor = page.next ? (new URL(page.next).searchParams.get("cursor") ?? undefined) : undefined;
  } while (cursor);
}
// end of "paging"

// part "creation"
/** Create an item under an id of our own: trying again after a lost answer makes no second. */
async function createItem(client: Client, id: string, name: string): Promise<Item> {
  return (await answerOf(itemsCreate({ client, body: { id, name } }))).data;
}

/** Make a UUIDv7 (RFC 9562): the moment in milliseconds, then chance. */
function newId(): string {
  const moment = Date.now().toString(16).padStart(12, "0");
  const chance = crypto.randomUUID();
  return `${moment.slice(0, 8)}-${moment.slice(8)}-7${chance.slice(15)}`;
}
// end of "creation"

// part "change"
/** Change an item as it is now; where somebody else was faster, read it again and retry. */
async function changeItem(
  client: Client,
  id: string,
  edit: (item: Item) => PatchedItemUpdateRequest | Promise<PatchedItemUpdateRequest>,
): Promise<Item> {
  const path = { id };
  for (;;) {
    const read = await answerOf(itemsGet({ client, path }));
    const body = await edit(read.data);
    const headers = { "If-Match": read.etag };
    try {
      return (await answerOf(itemsUpdate({ client, path, body, headers }))).data;
    } catch (error) {
      if (!(error instanceof RefusedError && error.problem.code === "stale_version")) throw error;
    }
  }
}
// end of "change"

// part "sign-out"
/** End the session: its token is worth nothing from now on. */
async function signOut(client: Client): Promise<void> {
  await authSessionDelete({ client, path: { client: "app" } });
}
// end of "sign-out"

/** The problem that a call is refused for. */
async function refusalOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RefusedError) return error.problem;
    throw error;
  }
  throw new Error("it was not refused");
}

async function main(baseUrl: string, username: string): Promise<void> {
  const client = await signIn(baseUrl, username, process.env.PASSWORD ?? "");
  const me = await answerOf(meGet({ client }));
  console.log("Signed in:", me.data.username);
  const names = [];
  for await (const item of allItems(client)) names.push(item.name);
  console.log("Items:", names.join(" "));

  const id = newId();
  const created = await createItem(client, id, "Ladder");
  const again = await createItem(client, id, "Ladder");
  console.log("Created once:", created.id === again.id, again.version);

  const changed = await changeItem(client, id, async (item) => {
    if (item.version === 1) {
      // A colleague changes it between our reading and our writing.
      await changeItem(client, id, () => ({ name: "Long ladder" }));
    }
    return { tags: [...item.tags, "garage"] };
  });
  console.log("Changed after a conflict:", changed.name, changed.tags[0], changed.version);

  const noItem = itemsGet({ client, path: { id: crypto.randomUUID() } });
  console.log("No such item:", (await refusalOf(answerOf(noItem))).code);
  const { errors = [] } = await refusalOf(createItem(client, newId(), ""));
  for (const error of errors) console.log("Bad field:", error.field, error.code);

  await signOut(client);
  console.log("Signed out:", (await refusalOf(answerOf(meGet({ client })))).code);
}

await main(process.argv[2] ?? "", process.argv[3] ?? "");

/** What an app does with the client; it is compiled, so that a change that breaks it is seen. */
import { csms, retryAfter, type Problem, type Schemas } from "./client.js";

const api = csms({ baseUrl: "https://csms.example.co.th", accessToken: () => "…" });

export async function nearestFree(latitude: number, longitude: number): Promise<Schemas["NearbyStation"] | undefined> {
  const { data, error, response } = await api.GET("/api/chargepoints/nearby/{latitude}/{longitude}", {
    params: {
      path: { latitude: String(latitude), longitude: String(longitude) },
      query: { radius_km: 5, available: true, connector_type: "CCS2" },
    },
  });
  if (error !== undefined) {
    const problem: Problem = error;
    throw new Error(`${problem.code}: ${problem.detail} (again in ${retryAfter(response)} s)`);
  }
  return data.results[0];
}

export async function priceOf(identity: string, evseId: number): Promise<string | null> {
  const { data } = await api.GET("/api/chargepoints/{identity}", { params: { path: { identity } } });
  const tariff = data?.tariffs.find((row) => row.evse_id === evseId)?.tariff;
  // Money is text, so that nobody calculates with floats by mistake.
  const price: string | undefined = tariff?.price_per_kwh;
  return price === undefined ? null : `${price} ${tariff?.currency ?? ""}`;
}

export async function energyOf(sessionId: string): Promise<number> {
  const { data, error } = await api.GET("/api/transactions/{session_id}/summary", {
    params: { path: { session_id: sessionId } },
  });
  if (error !== undefined) throw new Error(error.code);
  return data.energy_wh;
}

export async function wrong(): Promise<void> {
  // @ts-expect-error: there is no such path
  await api.GET("/api/chargepoint/", {});
  // @ts-expect-error: no such status
  await api.GET("/api/chargepoints/", { params: { query: { status: "Free" } } });
}

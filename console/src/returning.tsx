/** What a sign-in window shows that the browser does not close. */
export function Returning() {
  return (
    <main class="gate-page">
      <div class="panel">
        <h1>You can close this window</h1>
        <p>The page that opened it goes on.</p>
      </div>
    </main>
  );
}
